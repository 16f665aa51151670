import { readFileSync } from "node:fs";
import path from "node:path";
import { collectDefaultMetrics, Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { metricsIn } from "./promql.ts";

const REPOSITORY = path.join(import.meta.dirname, "../..");
const textOf = (file: string): string => readFileSync(path.join(REPOSITORY, file), "utf8");

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook: string };
}

interface Panel {
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string }[];
}

const alerts = parse(textOf("deploy/prometheus/alerts.yml")).groups.flatMap(
  ({ rules }: { rules: readonly Alert[] }) => rules,
) as readonly Alert[];
const dashboard = JSON.parse(textOf("deploy/grafana/dashboards/mulgil.json")) as {
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly query: string | { query: string } }[];
  };
};

/** What workers tell (docs/METRICS.md, which another test keeps equal to the code), what the client adds for Node, and what Prometheus itself knows. */
function known(): ReadonlySet<string> {
  const documented = [...textOf("docs/METRICS.md").matchAll(/^\| `(mulgil_\w+)` +\| (\w+)/gm)];
  const own = documented.flatMap(([, name, type]) =>
    type === "histogram" ? ["_bucket", "_sum", "_count"].map((part) => `${name}${part}`) : [name!],
  );
  const register = new Registry();
  collectDefaultMetrics({ register });
  return new Set([...own, ...register.getMetricsAsArray().map(({ name }) => name), "up"]);
}

describe("the alerts", () => {
  it("are there", () => expect(alerts.length).toBeGreaterThan(15));

  it.each(alerts)("$alert reads metrics that exist, and has a runbook", ({ alert, expr, labels, annotations }) => {
    const metrics = metricsIn(expr);
    expect(metrics.length).toBeGreaterThan(0);
    expect(metrics.filter((metric) => !known().has(metric))).toEqual([]);
    expect(["warning", "critical"]).toContain(labels.severity);
    expect(annotations.runbook).toBe(`docs/OPERATIONS.md#${alert.toLowerCase()}`);
    expect(textOf("docs/OPERATIONS.md")).toContain(`\n### ${alert}\n`);
  });

  it("are the only ones that the runbook knows", () => {
    const described = [...textOf("docs/OPERATIONS.md").matchAll(/^### (Mulgil\w+)$/gm)].map(([, name]) => name);
    expect(described.sort()).toEqual(alerts.map(({ alert }) => alert).sort());
  });
});

describe("the dashboard", () => {
  const shown = dashboard.panels.filter(({ targets }) => targets !== undefined);

  it.each(shown)("$title reads metrics that exist", ({ targets }) => {
    const metrics = targets!.flatMap(({ expr }) => metricsIn(expr));
    expect(metrics.length).toBeGreaterThan(0);
    expect(metrics.filter((metric) => !known().has(metric))).toEqual([]);
  });

  it("chooses by labels of metrics that exist", () => {
    const asked = dashboard.templating.list.flatMap(({ query }) =>
      typeof query === "string" ? [] : [/^label_values\((\w+), \w+\)$/.exec(query.query)![1]!],
    );
    expect(asked.filter((metric) => !known().has(metric))).toEqual([]);
    const variables = new Set(dashboard.templating.list.map(({ name }) => name));
    const used = shown.flatMap(({ targets }) => targets!.flatMap(({ expr }) => [...expr.matchAll(/"\$(\w+)"/g)]));
    expect(used.filter(([, name]) => !variables.has(name!))).toEqual([]);
  });

  it("has no panels that cover each other", () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });
});

it("finds metrics in queries, and mistakes of queries", () => {
  expect(metricsIn('sum by (job) (rate(a_total{job=~"$job"}[$__rate_interval])) > 0.5 * b')).toEqual(["a_total", "b"]);
  expect(() => metricsIn("sum(a")).toThrow("no PromQL");
});
