import { expect, it } from "vitest";
import type { AvroJson, Schema } from "../../../schemas/schema.ts";
import { count } from "../../dsl/aggregators.ts";
import { defineJob } from "../../dsl/define-job.ts";
import { topic } from "../../dsl/topic.ts";
import { compile } from "../../plan/compile.ts";
import { nodeOfLayout } from "../../plan/node-of-layout.ts";
import { storeMask } from "./store-mask.ts";

interface Visit {
  readonly person: string;
}

const avro = { type: "record", name: "Visit", fields: [{ name: "person", type: "string" }] } as const;
const plan = compile(
  defineJob({
    name: "shop",
    version: 1,
    flow: (from) =>
      void from(topic("visits", { value: { avro } as Schema<Visit>, key: "person" })).aggregate("n", {
        visits: count(),
      }),
  }),
);
const planned = plan.subTopologies.flatMap(({ stores }) => stores)[0]!;

async function shown(newest: AvroJson) {
  const source = { describing: async () => ({ values: [newest], keys: [] }) };
  const mask = await storeMask({ plan, planned, node: nodeOfLayout(plan, planned) }, source, {});
  return { value: mask.show({ key: "ann", value: { visits: 1 } }).value, isKeyOpen: mask.isKeyOpen };
}

it("hides everything where the registry has a schema that cannot be read here, instead of failing", async () => {
  expect(await shown(avro)).toEqual({ value: { visits: 1 }, isKeyOpen: true });
  // Other registries take a default of another type.
  const strange = { ...avro, fields: [{ name: "person", type: "string", default: null }] };
  expect(await shown(strange)).toEqual({ value: "***masked***", isKeyOpen: false });
});
