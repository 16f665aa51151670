import { keyTypeOf } from "../../runtime/operators/key-text.ts";
import type { StoreOfStep } from "../../runtime/operators/store-codecs.ts";
import { nodeOfLayout } from "../../runtime/plan/node-of-layout.ts";
import type { Plan, PlannedStore, SubTopology } from "../../runtime/plan/plan.ts";
import { createAvroKeySerde, type KeySerde, keySerde } from "../../schemas/key-serde.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { type SchemaRegistry, subjectOfKey } from "../../schemas/registry.ts";

/** A store as the plan that its job last ran by has it. */
export interface StoreOfJob {
  readonly plan: Plan;
  readonly part: SubTopology;
  readonly planned: PlannedStore;
}

export const storesOf = (plan: Plan): readonly StoreOfJob[] =>
  plan.subTopologies.flatMap((part) => part.stores.map((planned) => ({ plan, part, planned })));

/** @throws {MulgilError} STATE_STORE_UNKNOWN */
export function storeOf(plan: Plan, store: string): StoreOfJob {
  const found = storesOf(plan).find(({ planned }) => planned.name === store);
  if (found !== undefined) return found;
  throw new MulgilError(
    `job "${plan.job}" has no store "${store}": there is ${listed(storesOf(plan).map(({ planned }) => planned.name))}`,
    { code: "STATE_STORE_UNKNOWN", context: { job: plan.job, store } },
  );
}

/** How its entries are read where the job's definition is not at hand: the plan remembers their layout. */
export async function readableStore(
  { plan, planned }: StoreOfJob,
  registry: SchemaRegistry,
): Promise<StoreOfStep & { readonly planned: PlannedStore }> {
  const node = nodeOfLayout(plan, planned);
  return { planned, node, keyCodec: await keyCodecOf(plan, node, registry) };
}

async function keyCodecOf(plan: Plan, node: StoreOfStep["node"], registry: SchemaRegistry): Promise<KeySerde<unknown>> {
  const type = keyTypeOf(node)!;
  if (typeof type === "string") return keySerde(type) as KeySerde<unknown>;
  if (node.kind !== "table")
    return await createAvroKeySerde({
      ...{ schema: type, registry },
      subject: subjectOfKey(`${plan.job}.${node.id}.changelog`),
    });
  throw new MulgilError(
    `the keys of table "${node.id}" are Avro, and the plan does not say of which topic: read it while the job runs`,
    { code: "STATE_KEY", context: { store: node.id } },
  );
}

const listed = (names: readonly string[]): string => (names.length === 0 ? "none" : names.join(", "));
