import { expect } from "vitest";
import type { BankCall } from "./banks.ts";
import type { Ended, Request } from "./calls-job.ts";
import type { CallsProof } from "./calls-proof.ts";

/** They purge every 30 seconds. */
const PURGED_MAX_MS = 120_000;

/** Every request has one ending, that of a success or of one that a later success made needless, and nothing is left over. Resolves when that is so. */
export async function expectEachEndedOnce(proof: CallsProof): Promise<void> {
  await proof.untilAllHaveEnded();
  const living = proof.workers.filter(({ isAlive }) => isAlive);
  expect(await Promise.all(living.map((worker) => worker.stop()))).toEqual(living.map(() => 0));
  expect(await proof.offsets.lag()).toBe(0);
  expect(await proof.offsets.deadLetters()).toBe(0);
  const ids = proof.endings.all.map(({ id }) => id);
  const once = new Set(ids);
  expect({
    lost: proof.sent.filter(({ id }) => !once.has(id)),
    twice: repeated(ids),
    foreign: ids.filter((id) => id >= proof.sent.length),
  }).toEqual({ lost: [], twice: [], foreign: [] });
}

/** What has left a tier is removed from it. Workers that run see to that now and then. */
export async function expectTiersEmptied(proof: CallsProof): Promise<void> {
  await proof.untilAllHaveEnded();
  await expect.poll(() => proof.offsets.keptInTiers(), { timeout: PURGED_MAX_MS }).toBe(0);
}

/** All have succeeded, one after the other. */
export function expectStrictOrder({ endings, sent }: CallsProof): void {
  expect(endings.all.filter(({ how }) => how !== "done")).toEqual([]);
  const idsByKey = (all: readonly (Request | Ended)[]) =>
    new Map(
      byKey(all)
        .entries()
        .map(([key, own]) => [key, own.map(({ id }) => id)]),
    );
  expect(idsByKey(endings.all)).toEqual(idsByKey(sent));
}

/** The last one of each key has succeeded, and so has each behind which no later one had. */
export function expectLastSuccess({ endings, sent }: CallsProof): void {
  const last = new Map(
    byKey(sent)
      .entries()
      .map(([key, requests]) => [key, requests.at(-1)!.id]),
  );
  for (const [key, found] of byKey(endings.all)) {
    const succeeded = found.filter(({ how }) => how === "done").map(({ id }) => id);
    expect([key, succeeded]).toEqual([key, succeeded.toSorted((left, right) => left - right)]);
    expect([key, succeeded.at(-1)]).toEqual([key, last.get(key)]);
    for (const [index, { id, how }] of found.entries()) {
      const latest = Math.max(-1, ...found.slice(0, index).flatMap((each) => (each.how === "done" ? [each.id] : [])));
      expect({ key, id, how }).toEqual({ key, id, how: id < latest ? "superseded" : "done" });
    }
  }
}

/** Nobody was asked again for what had visibly ended, or twice with success by one life of a task; and a request is always the same one to its bank. */
export function expectNoNeedlessCall(proof: CallsProof): void {
  const { calls, deliveries } = proof.banks;
  const needless = calls.filter(({ request, begunMs }) => begunMs > (proof.endings.seenMs.get(request) ?? Infinity));
  expect(needless).toEqual([]);

  const lives = deliveries.map((call) => `request ${call.request} ${lifeOf(proof, call)}`);
  expect(repeated(lives)).toEqual([]);

  const known = new Map(calls.map(({ request, idempotencyKey }) => [request, idempotencyKey]));
  expect(calls.filter(({ request, idempotencyKey }) => known.get(request) !== idempotencyKey)).toEqual([]);
  expect(new Set(known.values()).size).toBe(known.size);
}

/** Which start of its task, in which process, made a call. */
function lifeOf(proof: CallsProof, { request, pid, begunMs }: BankCall): string {
  const task = proof.taskOf(proof.sent[request]!.key);
  const worker = proof.workers.find((each) => each.pid === pid)!;
  const starts = worker.told("running").filter((each) => each.task === task && each.atMs <= begunMs);
  return `${worker.name} ${pid} start ${starts.length} of ${task}`;
}

const byKey = <T extends Request | Ended>(all: readonly T[]): ReadonlyMap<string, readonly T[]> =>
  Map.groupBy(all, ({ key }) => key);

function repeated<T>(all: readonly T[]): readonly T[] {
  const seen = new Set<T>();
  return all.filter((each) => seen.size === seen.add(each).size);
}
