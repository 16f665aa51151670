import type { LogAccess } from "../log/port.ts";
import { readPartition } from "../log/read-partition.ts";
import { circuitsTopicOf } from "../plan/internal-topics.ts";
import type { WaitingOrder } from "../resilience/waiting-orders.ts";
import {
  decodeCircuitKey,
  decodeWaitingOrder,
  encodeCircuitKey,
  encodeWaitingOrder,
} from "../worker/circuit-records.ts";

/** Nothing waits for so long in one tier that an order of then could still concern it. */
const LASTS_MS = 30 * 86_400_000;

/** Gives all workers of a job an order about what waits for some of its calls. They obey it when they read it: within a second or two, and after every start. */
export async function orderWaiting(
  log: LogAccess,
  job: string,
  { steps, order }: { readonly steps: readonly string[]; readonly order: WaitingOrder },
): Promise<void> {
  const where = { topic: circuitsTopicOf(job), partition: 0 };
  const records = steps.map((step) => ({
    key: encodeCircuitKey({ kind: "waiting", step, name: nameOf(order) }),
    value: encodeWaitingOrder(order),
  }));
  const over = (await readPartition(log, where)).flatMap(({ key, value }) => {
    const isOrder = decodeCircuitKey(key)?.kind === "waiting";
    const old = isOrder && value !== null ? decodeWaitingOrder(value) : undefined;
    return old !== undefined && old.atMs < order.atMs - LASTS_MS ? [{ key, value: null }] : [];
  });
  // Taken back first: the new order may bear the name of an old one.
  const stamped = [...over, ...records].map((record) => ({ ...record, timestampMs: order.atMs }));
  await log.produce([{ ...where, records: stamped }]);
}

const nameOf = ({ what, resource, keyHash }: WaitingOrder): string =>
  JSON.stringify([what, resource ?? null, keyHash ?? null]);
