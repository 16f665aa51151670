import { describe, expect, it } from "vitest";
import type { MulgilError } from "../../../schemas/mulgil-error.ts";
import { ManualClock } from "../../testing/manual-clock.ts";
import { LogTroubles } from "../log-troubles.ts";
import { BrokerError } from "./broker-errors.ts";
import { retrying } from "./retry.ts";

const BUSY = 51;
const NOT_LEADER = 6;
const TOO_LARGE = 10;

/** Tries with a clock that goes on by itself. */
async function tried(attempts: readonly (number | "works")[], patienceMs = 60_000) {
  const clock = new ManualClock(0);
  const troubles = new LogTroubles();
  const left = [...attempts];
  const patience = {
    ...{ patienceMs, troubles, signal: new AbortController().signal },
    clock: {
      ...clock,
      now: () => clock.now(),
      after: () => () => undefined,
      sleep: async (ms: number) => clock.advance(ms),
    },
  };
  const end = await retrying(patience, "do it", async () => {
    const next = left.length > 1 ? left.shift()! : left[0]!;
    if (next !== "works") throw new BrokerError(next, "it");
    return next;
  }).catch((error: unknown) => (error as MulgilError).code);
  return { end, troubles: troubles.all };
}

describe("retrying", () => {
  it("counts what it tries again, by what is wrong", async () => {
    expect(await tried([BUSY, BUSY, NOT_LEADER, "works"])).toEqual({
      end: "works",
      troubles: [
        { outcome: "retried", kind: "busy", count: 2 },
        { outcome: "retried", kind: "leadership", count: 1 },
      ],
    });
  });

  it("counts what it gives up: at once where trying cannot help, else when its patience is over", async () => {
    expect((await tried([TOO_LARGE])).troubles).toEqual([{ outcome: "failed", kind: "final", count: 1 }]);
    const { end, troubles } = await tried([NOT_LEADER], 100);
    expect(end).toBe("LOG_UNREACHABLE");
    expect(troubles.at(-1)).toEqual({ outcome: "failed", kind: "leadership", count: 1 });
    expect(troubles[0]).toMatchObject({ outcome: "retried", kind: "leadership" });
  });

  it("counts nothing where all is well", async () => {
    expect(await tried(["works"])).toEqual({ end: "works", troubles: [] });
  });
});
