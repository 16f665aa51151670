import { describe, expect, it } from "vitest";
import { done } from "../../../runtime/dsl/outcome.ts";
import { CallTask, callingJob, requests, results } from "../../../runtime/worker/call-task.fixture.ts";

const INSTITUTIONS = 50;
const ROUNDS = 60;
const ROUND_MS = 100;
const ALWAYS_TIMES_OUT = "bank-7";
const SLOW = "bank-23";
const SLOW_MS = 1_500;
/** More than a task keeps in memory, over all rounds. */
const REQUESTS_A_ROUND_TO_THE_DEAD = 25;
/** Just enough for all the others at once, and what two institutions may have. */
const WORKER_CONCURRENCY = 64;
const COMMIT_EVERY_MS = 250;

interface Life {
  /** By the id of a request: when each of its calls began, and when it ended. */
  readonly calls: ReadonlyMap<string, readonly (readonly [beganMs: number, endedMs: number])[]>;
  readonly succeeded: readonly string[];
  readonly deadLetters: number;
  readonly waiting: number;
}

/** Every institution gets a request a round; time moves from one thing that is due to the next. */
async function live(banks: readonly string[]): Promise<Life> {
  const calls = new Map<string, (readonly [number, number])[]>();
  const job = callingJob({
    orderKey: ({ id }) => id,
    tiers: ["2 seconds", "10 seconds", "30 seconds"],
    concurrency: WORKER_CONCURRENCY,
    policy: { timeout: "3 seconds", concurrency: { min: 1, max: 8 }, queue: 10, retry: { attemptsMax: 1_000 } },
    handler: async (value, { signal }) => {
      const beganMs = task.clock.now();
      if (value.bank === ALWAYS_TIMES_OUT) return new Promise(() => undefined);
      await task.clock.sleep(value.bank === SLOW ? SLOW_MS : latencyMs(value.id), signal);
      calls.set(value.id, [...(calls.get(value.id) ?? []), [beganMs, task.clock.now()]]);
      return done(value);
    },
  });
  const task = await CallTask.open(job);
  const startMs = task.clock.now();
  for (let round = 0; round < ROUNDS; round++) {
    for (const bank of banks) for (const id of idsOf(bank, round)) task.append(requests.name, task.encoded(id, bank));
    await task.settle();
    await advanceTo(task, startMs + (round + 1) * ROUND_MS);
  }
  await advanceTo(task, startMs + 180_000);
  const entry = (await task.inputEntries()).get(`/waiting/${ALWAYS_TIMES_OUT}`);
  const inTiers = entry?.kind === "waiting" ? entry.counts.reduce((sum, [, records]) => sum + records, 0) : 0;
  return {
    calls,
    succeeded: (await task.read(results.name)).toSorted(),
    deadLetters: task.deadLetters.length,
    waiting: inTiers + task.task.callsUnderWay,
  };
}

async function advanceTo(task: CallTask, untilMs: number): Promise<void> {
  const { clock } = task;
  while (clock.now() < untilMs) {
    const nowMs = clock.now();
    const commitMs = nowMs - (nowMs % COMMIT_EVERY_MS) + COMMIT_EVERY_MS;
    clock.advanceTo(Math.min(untilMs, commitMs, clock.nextMs, Math.max(nowMs + 1, task.task.nextWallClockMs)));
    await task.settle();
    if (clock.now() === commitMs) await task.commit();
  }
}

/** Of its own for each request, so that nobody ends in step with others. */
const latencyMs = (id: string): number =>
  20 + [...id].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 37, 7);

const idsOf = (bank: string, round: number): string[] =>
  Array.from(
    { length: bank === ALWAYS_TIMES_OUT ? REQUESTS_A_ROUND_TO_THE_DEAD : 1 },
    (_, n) => `${bank}/${round}/${n}`,
  );
const named = (bank: string): string[] => Array.from({ length: ROUNDS }, (_, round) => idsOf(bank, round)).flat();

describe("institutions of which one times out always and one is slow", () => {
  it("complete exactly as without those two, and nothing of the two is lost", { timeout: 300_000 }, async () => {
    const all = Array.from({ length: INSTITUTIONS }, (_, index) => `bank-${index}`);
    const others = all.filter((bank) => bank !== ALWAYS_TIMES_OUT && bank !== SLOW);
    const together = await live(all);
    const alone = await live(others);
    const ids = others.flatMap(named);
    expect(alone.calls.size).toBe(ids.length);
    for (const id of ids) expect(together.calls.get(id), id).toEqual(alone.calls.get(id));
    expect(alone.succeeded).toEqual(ids.toSorted());
    expect(together.succeeded).toEqual([...ids, ...named(SLOW)].toSorted());
    expect(together.waiting).toBe(named(ALWAYS_TIMES_OUT).length);
    expect(together.deadLetters).toBe(0);
  });
});
