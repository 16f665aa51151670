import type { Issue } from "../errors/errors.ts";
import type { Plan, PlannedStore } from "./plan.ts";

export interface StoreIssue extends Issue {
  readonly store: string;
}

/**
 * What in a new plan would break the state that an earlier plan of the same job has left: a store whose entries would be misread, or one that
 * would be forgotten without a word. The user may say that the state of such a store may go.
 */
export function comparePlans(before: Plan, after: Plan): readonly StoreIssue[] {
  const kept = new Map(
    after.subTopologies.flatMap(({ name, stores }) => stores.map((store) => [store.name, { ...store, part: name }])),
  );
  return before.subTopologies.flatMap(({ name, stores }) =>
    stores.flatMap((store) => {
      const now = kept.get(store.name);
      if (now === undefined) return [forgotten(before, store)];
      if (now.kind !== store.kind || now.layout !== store.layout) return [changed(before, store)];
      return now.part === name ? [] : [moved(before, store, name, now.part)];
    }),
  );
}

const at = (plan: Plan) => `job ${plan.job}`;

const forgotten = (plan: Plan, { name }: PlannedStore): StoreIssue => ({
  store: name,
  code: "PLAN_STORE_REMOVED",
  at: at(plan),
  message: `version ${plan.version} has a store "${name}", this one has none: if the step was renamed, give it its old name; if its state may go, say so with --drop-store ${name}`,
});

const changed = (plan: Plan, { name }: PlannedStore): StoreIssue => ({
  store: name,
  code: "PLAN_STORE_CHANGED",
  at: at(plan),
  message: `store "${name}" holds entries of version ${plan.version} with another key, window or content: they would be misread. Undo the change, give the step a new name, or start it empty with --drop-store ${name}`,
});

const moved = (plan: Plan, { name }: PlannedStore, from: string, to: string): StoreIssue => ({
  store: name,
  code: "PLAN_STORE_MOVED",
  at: at(plan),
  message: `store "${name}" belonged to the tasks of "${from}" and would now belong to those of "${to}", whose partitions are others: undo the change, give the step a new name, or start it empty with --drop-store ${name}`,
});
