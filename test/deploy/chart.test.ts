import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { cacheFolder } from "../../scripts/kafka/variables.ts";
import { mulgil, REPOSITORY, temporaryFolder } from "../cli/support/mulgil.ts";

const CHART = path.join(REPOSITORY, "deploy/helm/mulgil");
const helm = findHelm();

/** The one on the PATH, else the one that `npm run helm:get` has built. */
function findHelm(): string | undefined {
  const built = path.join(cacheFolder, "helm");
  const found = ["helm", ...(existsSync(built) ? [built] : [])].find(
    (each) => spawnSync(each, ["version"]).status === 0,
  );
  if (found === undefined)
    console.warn("skipped, for helm cannot be had here: the chart is not rendered (npm run helm:get)");
  return found;
}

const VALUES = {
  jobs: ["jobs/bank/standardise.ts"],
  kafka: { brokers: "kafka:9092", registry: "http://registry:8081" },
  http: { tokensSecret: "tokens" },
};

function run(command: readonly string[], values: object) {
  const file = path.join(temporaryFolder(), "values.json");
  writeFileSync(file, JSON.stringify(values));
  return spawnSync(helm!, [...command, CHART, "--kube-version", "1.31.0", "--values", file], { encoding: "utf8" });
}

// biome-ignore lint/suspicious/noExplicitAny: what Kubernetes reads has no types here.
function rendered(values: object): ReadonlyMap<string, any> {
  const { status, stdout, stderr } = run(["template", "bank"], values);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const documents = parseAllDocuments(stdout).map((document) => document.toJS());
  return new Map(documents.filter((each) => each !== null).map((each) => [each.kind, each]));
}

describe.skipIf(helm === undefined)("the Helm chart", { timeout: 60_000 }, () => {
  it("has nothing that helm lint finds", () => {
    expect(run(["lint", "--strict"], VALUES).stdout).toContain("1 chart(s) linted, 0 chart(s) failed");
  });

  it("runs workers with a volume each, which have longer to drain than they take", () => {
    const all = rendered({ ...VALUES, drainTimeoutSeconds: 40 });
    expect([...all.keys()].sort()).toEqual(["PodDisruptionBudget", "Service", "ServiceAccount", "StatefulSet"]);
    const { spec } = all.get("StatefulSet");
    const [worker] = spec.template.spec.containers;
    expect(spec.replicas).toBe(2);
    expect(worker.args).toEqual(expect.arrayContaining(["run", "jobs/bank/standardise.ts", "--drain-timeout=40s"]));
    expect(spec.template.spec.terminationGracePeriodSeconds).toBeGreaterThan(40);
    expect(worker.lifecycle.preStop.exec.command.at(-1)).toContain("kill -TERM 1");
    expect(worker.readinessProbe.httpGet.path).toBe("/readyz");
    expect(worker.livenessProbe.httpGet.path).toBe("/healthz");
    expect(spec.volumeClaimTemplates[0].metadata.name).toBe("state");
    expect(worker.volumeMounts).toContainEqual({ name: "state", mountPath: "/var/lib/mulgil" });
    expect(spec.template.spec.setHostnameAsFQDN).toBe(true);
  });

  it("gives workers only options that there are", async () => {
    const oidc = { issuer: "https://login", audience: "mulgil" };
    const { spec } = rendered({ ...VALUES, http: { tokensSecret: "tokens", oidc } }).get("StatefulSet");
    const [worker] = spec.template.spec.containers;
    const { stdout } = await mulgil(["run", "--help"]);
    const options = worker.args.flatMap((arg: string) => /^--[\w-]+/.exec(arg) ?? []);
    expect(options.filter((option: string) => !stdout.includes(`${option} `))).toEqual([]);
    expect(options.length).toBeGreaterThan(5);
  });

  it("leaves the number of workers to KEDA, where that scales them", () => {
    const triggers = [{ job: "standardise", topic: "bank.raw-transactions", lagThreshold: 5_000 }];
    const all = rendered({ ...VALUES, keda: { enabled: true, triggers } });
    expect(all.get("StatefulSet").spec).not.toHaveProperty("replicas");
    const [trigger] = all.get("ScaledObject").spec.triggers;
    expect(trigger).toMatchObject({
      type: "kafka",
      metadata: { consumerGroup: "standardise", topic: "bank.raw-transactions", lagThreshold: "5000" },
    });
  });

  it("has metrics collected under the jobs' own names", () => {
    const [endpoint] = rendered({ ...VALUES, podMonitor: { enabled: true } }).get("PodMonitor").spec
      .podMetricsEndpoints;
    expect(endpoint).toEqual({ port: "http", path: "/metrics", honorLabels: true });
  });

  it.each<[string, object, RegExp]>([
    ["no jobs", { ...VALUES, jobs: [] }, /jobs.*at least 1 item/],
    ["no brokers", { ...VALUES, kafka: { brokers: "", registry: "r" } }, /kafka.brokers/],
    ["a password", { ...VALUES, kafka: { ...VALUES.kafka, settings: { MULGIL_KAFKA_PASSWORD: "x" } } }, /settings/],
    ["an open door", { ...VALUES, http: { tokensSecret: "" } }, /name a Secret with tokens/],
    ["a scaler without a measure", { ...VALUES, keda: { enabled: true } }, /keda.triggers names/],
  ])("refuses %s", (_what, values, message) => {
    const { status, stderr } = run(["template", "bank"], values);
    expect(status).not.toBe(0);
    expect(stderr).toMatch(message);
  });
});
