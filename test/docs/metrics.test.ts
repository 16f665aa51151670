import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { metricFamilies } from "../../runtime/ops/metrics/families.ts";

const page = readFileSync(new URL("../../docs/METRICS.md", import.meta.url), "utf8");

/** The rows of the page's tables that describe a metric. */
const documented = [...page.matchAll(/^\| `(mulgil_\w+)` *\| (\w+) *\| \S+ *\| ([^|]+?) *\| ([^|]+?) *\|$/gm)].map(
  ([, name, type, labels, help]) => ({ name, type, labels: labels === "–" ? [] : labels!.split(", "), help }),
);

describe("docs/METRICS.md", () => {
  it("has every metric with its type, its labels and its help, and no other", () => {
    const families = metricFamilies.map(({ name, series, labels, help }) => ({
      name,
      type: series.type,
      labels,
      help,
    }));
    expect(documented).toEqual(families);
  });

  it("only names metrics that there are", () => {
    const names = new Set(metricFamilies.map(({ name }) => name));
    const mentioned = [...page.matchAll(/\bmulgil_\w+/g)].map(([name]) => name);
    expect(mentioned.filter((name) => !names.has(name))).toEqual([]);
  });
});

describe("names of metrics", () => {
  it("end in _total where they count, and in their unit otherwise", () => {
    for (const { name, series } of metricFamilies) {
      expect(name).toMatch(/^mulgil(_[a-z]+)+$/);
      expect(name.endsWith("_total"), name).toBe(series.type === "counter");
    }
  });
});
