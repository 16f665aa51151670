import { expect, it } from "vitest";
import type { Plan, TopicRole } from "../../plan/plan.ts";
import { loopThrough } from "./topic-flow.ts";

const plan = (job: string, topics: Readonly<Record<string, TopicRole>>): Plan =>
  ({ job, topics: Object.entries(topics).map(([topic, role]) => ({ topic, role })) }) as unknown as Plan;

const plans = [
  plan("one", { a: "source", b: "sink", "one.dlq": "dlq" }),
  plan("two", { b: "source", c: "sink", d: "sink", "two.repartition": "repartition" }),
  plan("circle", { d: "source", b: "sink" }),
];

it.each([
  ["a", "b", "job one → topic b"],
  ["a", "c", "job one → topic b → job two → topic c"],
  ["b", "b", "job two → topic d → job circle → topic b"],
  ["a", "one.dlq", "job one → topic one.dlq"],
  ["c", "a", undefined],
  ["b", "a", undefined],
  ["b", "two.repartition", undefined],
  ["unknown", "a", undefined],
])("what is written to %s reaches %s: %s", (from, to, path) => {
  expect(loopThrough(plans, from, to)).toBe(path);
});
