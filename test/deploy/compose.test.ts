import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const REPOSITORY = path.join(import.meta.dirname, "../..");
const textOf = (file: string): string => readFileSync(path.join(REPOSITORY, file), "utf8");

interface Service {
  readonly image?: string;
  readonly ports?: readonly string[];
  readonly command?: readonly string[];
  readonly volumes?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, unknown>>;
}

const read = (file: string) =>
  parse(textOf(file), { merge: true }) as {
    readonly services: Readonly<Record<string, Service>>;
    readonly volumes?: Readonly<Record<string, null>>;
  };
const compose = read("deploy/compose.yaml");

describe("deploy/compose.yaml", () => {
  it("runs the brokers and the registry that the tests run", () => {
    const tested = read("scripts/kafka/compose.yaml").services;
    for (const name of ["kafka", "registry"]) expect(compose.services[name]!.image).toBe(tested[name]!.image);
  });

  it("can be reached from this machine only", () => {
    const published = Object.values(compose.services).flatMap(({ ports = [] }) => ports);
    expect(published.length).toBeGreaterThan(3);
    expect(published.filter((port) => !port.startsWith("127.0.0.1:"))).toEqual([]);
  });

  it("names files, volumes and services that are there", () => {
    const volumes = Object.values(compose.services).flatMap((service) => service.volumes ?? []);
    for (const [source] of volumes.map((volume) => volume.split(":"))) {
      if (source!.startsWith(".")) expect(existsSync(path.join(REPOSITORY, "deploy", source!))).toBe(true);
      else expect(Object.keys(compose.volumes!)).toContain(source);
    }
    const needed = Object.values(compose.services).flatMap((service) => Object.keys(service.depends_on ?? {}));
    expect(needed.filter((name) => compose.services[name] === undefined)).toEqual([]);
    const jobs = compose.services["worker-1"]!.command!.filter((word) => word.endsWith(".ts"));
    expect(jobs.filter((job) => !existsSync(path.join(REPOSITORY, job)))).toEqual([]);
  });

  it("has Prometheus ask the workers, where they listen", () => {
    const prometheus = parse(textOf("deploy/prometheus/prometheus.yml"));
    const [{ static_configs, honor_labels }] = prometheus.scrape_configs;
    expect(honor_labels).toBe(true);
    const workers = Object.keys(compose.services).filter((name) => name.startsWith("worker-"));
    expect(static_configs[0].targets).toEqual(workers.map((name) => `${name}:8080`));
    for (const name of workers) expect(compose.services[name]!.command).toContain("0.0.0.0:8080");
  });
});

describe("deploy/Dockerfile", () => {
  const dockerfile = textOf("deploy/Dockerfile");

  it("has the Node that the package asks for", () => {
    const wanted = /^>=(\d+)/.exec(JSON.parse(textOf("package.json")).engines.node)![1];
    const images = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
    expect(images).toEqual([`node:${wanted}-bookworm-slim`, `node:${wanted}-bookworm-slim`]);
  });

  it("copies what is there, and does not run as root", () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(?:--\S+ )?(.+) \S+$/gm)].flatMap(([, files]) =>
      files!.split(" "),
    );
    expect(copied.length).toBeGreaterThan(3);
    expect(copied.filter((file) => !existsSync(path.join(REPOSITORY, file)))).toEqual([]);
    expect(dockerfile.lastIndexOf("\nUSER 10001:10001\n")).toBeGreaterThan(dockerfile.lastIndexOf("\nRUN "));
  });
});
