import { expect } from "vitest";
import type { Proof } from "./proof.ts";

/** Shorter than what would let the broker abort a transaction by itself. */
const SETTLE_MAX_MS = 20_000;

/** Nothing lost and nothing twice: the promise of exactly-once. Resolves when the job has caught up. */
export async function expectEverythingOnce(proof: Proof): Promise<void> {
  await endAll(proof);
  const ids = proof.acknowledged.map(({ id }) => id);
  expect(difference(await proof.topics.idsIn("source"), ids)).toEqual(NO_DIFFERENCE);
  expect(difference(await proof.topics.idsIn("copies"), ids)).toEqual(NO_DIFFERENCE);
  expect(difference(await proof.topics.idsIn("late"), ids).twice).toEqual([]);

  const hours = await proof.topics.hours();
  const shrunk = [...hours].filter(([, updates]) =>
    updates.some(({ payments }, index) => index > 0 && payments <= updates[index - 1]!.payments),
  );
  expect(shrunk).toEqual([]);
  const plain = await proof.plainHours();
  const wrong = [...plain].filter(([id, expected]) => {
    const found = hours.get(id)?.at(-1);
    return found?.payments !== expected.payments || found.total !== expected.total;
  });
  expect(wrong.map(([id, expected]) => ({ id, expected, found: hours.get(id) }))).toEqual([]);
  expect([...hours.keys()].filter((id) => !plain.has(id))).toEqual([]);
}

/** Everything there, some of it perhaps twice: the promise of at-least-once. Resolves when the job has caught up. */
export async function expectNothingLost(proof: Proof): Promise<void> {
  await endAll(proof);
  const ids = proof.acknowledged.map(({ id }) => id);
  expect(difference(await proof.topics.idsIn("source"), ids)).toEqual(NO_DIFFERENCE);
  expect(difference(await proof.topics.idsIn("copies"), ids)).toMatchObject({ lost: [], foreign: [] });

  const hours = await proof.topics.hours();
  const short = [...(await proof.plainHours())].filter(([id, expected]) => {
    const found = hours.get(id)?.at(-1);
    return found === undefined || found.payments < expected.payments || found.total < expected.total;
  });
  expect(short.map(([id, expected]) => ({ id, expected, found: hours.get(id) }))).toEqual([]);
}

/** Everything is committed, nothing is left open, and every worker that still runs ends well. */
export async function endAll(proof: Proof): Promise<void> {
  await proof.untilCaughtUp();
  await expect.poll(() => proof.openTransactions(), { timeout: SETTLE_MAX_MS }).toEqual([]);
  const living = proof.workers.filter(({ isAlive }) => isAlive);
  expect(await Promise.all(living.map((worker) => worker.stop()))).toEqual(living.map(() => 0));
  await expect.poll(() => proof.openTransactions(), { timeout: SETTLE_MAX_MS }).toEqual([]);
}

export const NO_DIFFERENCE = { lost: [], twice: [], foreign: [] };

export function difference(found: readonly number[], expected: readonly number[]) {
  const [there, wanted] = [new Set(found), new Set(expected)];
  return {
    lost: expected.filter((id) => !there.has(id)),
    twice: found.filter((id, index) => index > 0 && id === found[index - 1]),
    foreign: found.filter((id) => !wanted.has(id)),
  };
}
