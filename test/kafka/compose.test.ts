import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { brokerProperties } from "../../scripts/kafka/broker-properties.ts";

const folder = path.join(import.meta.dirname, "../../scripts/kafka");
const textOf = (file: string): string => readFileSync(path.join(folder, file), "utf8");
const compose = textOf("compose.yaml");

/** What the image makes of variables: KAFKA_NODE_ID is node.id. */
const inContainer = new Map(
  [...compose.matchAll(/^ {6}KAFKA_([A-Z0-9_]+): (.+)$/gm)].map(([, name, value]) => [
    name!.toLowerCase().replaceAll("_", "."),
    value!.replace(/^"(.*)"$/, "$1"),
  ]),
);
const node = { id: 1, port: 1, controllerPort: 2, saslPort: undefined, folder: "/data" };
const inProcess = new Map(
  brokerProperties(node, [node], { tls: undefined, sasl: undefined, overrides: {} })
    .trim()
    .split("\n")
    .map((line): [string, string] => {
      const [name, ...value] = line.split("=");
      return [name!, value.join("=")];
    }),
);

/** Where a broker is found, inside and outside of a container. */
const ADDRESSES = new Set([
  ...["listeners", "advertised.listeners", "listener.security.protocol.map"],
  ...["inter.broker.listener.name", "controller.quorum.voters"],
]);
/** What saves time and memory in tests, or says what Kafka's default says anyway; jobs do not see it. */
const ONLY_IN_PROCESS = [
  ...["broker.heartbeat.interval.ms", "broker.session.timeout.ms", "default.replication.factor", "log.dirs"],
  ...["log.cleaner.dedupe.buffer.size", "min.insync.replicas", "num.partitions"],
  ...["offsets.topic.num.partitions", "transaction.state.log.num.partitions"],
];

describe("scripts/kafka/compose.yaml", () => {
  it("sets what the broker of kafka:up has, and nothing else", () => {
    expect([...inContainer.keys()].filter((name) => !inProcess.has(name))).toEqual([]);
    const same = [...inContainer].filter(([name]) => !ADDRESSES.has(name));
    expect(same).toEqual(same.map(([name]) => [name, inProcess.get(name)]));
    expect([...inProcess.keys()].filter((name) => !inContainer.has(name)).sort()).toEqual(ONLY_IN_PROCESS.sort());
  });

  it("runs the versions that the tests run", () => {
    const kafka = /<kafka\.version>(.+)<\/kafka\.version>/.exec(textOf("pom.xml"))![1];
    const registry = /artifact: "io\.apicurio:[^"]+", version: "([^"]+)"/.exec(textOf("broker-jars.ts"))![1];
    expect(compose).toContain(`image: apache/kafka:${kafka}\n`);
    expect(compose).toContain(`image: apicurio/apicurio-registry-mem:${registry}\n`);
  });

  it("listens on the loopback interface only, at the addresses that it tells", () => {
    const published = [...compose.matchAll(/ports: \["(.+):\d+"\]/g)].map(([, address]) => address);
    expect(published).toEqual(["127.0.0.1:9092", "127.0.0.1:8081"]);
    expect(inContainer.get("advertised.listeners")).toContain("CLIENT://127.0.0.1:9092");
  });

  it("has a listener for each name that it uses", () => {
    const names = (property: string) =>
      inContainer
        .get(property)!
        .split(",")
        .map((each) => each.split(":")[0]);
    expect(names("listener.security.protocol.map").sort()).toEqual(names("listeners").sort());
    for (const property of ["controller.listener.names", "inter.broker.listener.name"])
      expect(names("listeners")).toContain(inContainer.get(property));
    expect(names("advertised.listeners").sort()).toEqual(["CLIENT", "INTERNAL"]);
  });
});
