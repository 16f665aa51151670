import { describe, expect, it } from "vitest";
import { ManualClock } from "../testing/manual-clock.ts";
import type { Attempted, Refusal } from "./attempt.ts";
import { fromTier, itemAt } from "./call-item.fixture.ts";
import type { CallItem } from "./call-item.ts";
import { turn } from "./guard.fixture.ts";
import { Lanes } from "./lanes.ts";
import type { ResourceGuard } from "./resource-guard.ts";

const DONE: Attempted = { called: true, outcome: { kind: "done", values: [] }, durationMs: 1 };

/** Lanes in front of guards that refuse what the test says, and calls that end when it says so. */
function open({ onSettle }: { readonly onSettle?: (item: CallItem, lanes: Lanes) => void } = {}) {
  const clock = new ManualClock();
  const refusals = new Map<string, (item: unknown) => Refusal | undefined>();
  const called: string[] = [];
  const settled: string[] = [];
  const ends = new Map<string, () => void>();
  const asked: string[] = [];
  const name = ({ address: { resource }, parcel: { offset } }: CallItem) => `${resource}${offset}`;
  const lanes: Lanes = new Lanes({
    clock,
    guard: (resource) =>
      ({
        refusal: (value: unknown) => {
          asked.push(resource);
          return refusals.get(resource)?.(value);
        },
      }) as unknown as ResourceGuard,
    call: (item) => {
      called.push(name(item));
      return new Promise((resolve) => ends.set(name(item), () => resolve(DONE)));
    },
    refused: () => undefined,
    settle: (item, attempted) => {
      settled.push(`${name(item)} ${"refusal" in attempted ? attempted.refusal.reason : "called"}`);
      onSettle?.(item, lanes);
    },
    patienceMs: 5_000,
  });
  const push = (resource: string, offset: number, origin?: CallItem["origin"]) =>
    lanes.push(itemAt({ offset, resource, ...(origin && { origin }) }));
  const end = async (item: string) => {
    ends.get(item)!();
    await turn();
  };
  return { clock, refusals, called, settled, asked, lanes, push, end };
}

describe("records that may be called", () => {
  it("are handed over at once, those of all institutions", async () => {
    const { lanes, called, settled, push, end } = open();
    push("a", 0);
    push("b", 1);
    push("a", 2);
    expect(called).toEqual(["a0", "b1", "a2"]);
    expect([lanes.sizeOf("a"), lanes.sizeOf("b"), lanes.count, lanes.underWay]).toEqual([2, 1, 2, 3]);
    await end("b1");
    expect(settled).toEqual(["b1 called"]);
    expect([lanes.sizeOf("b"), lanes.count, lanes.underWay]).toEqual([0, 1, 2]);
  });

  it("wait for nobody else's institution", () => {
    const { clock, refusals, called, push } = open();
    refusals.set("a", () => ({ reason: "queue-full", untilMs: clock.now() + 60_000 }));
    push("a", 0);
    push("b", 1);
    expect(called).toEqual(["b1"]);
  });

  it("begin in the order in which they came, and those that come out of a tier first", async () => {
    const { clock, refusals, called, push } = open();
    refusals.set("a", () => ({ reason: "queue-full", untilMs: clock.now() + 60_000 }));
    push("a", 0);
    push("a", 1);
    push("a", 2, fromTier(9));
    push("a", 3, fromTier(10));
    refusals.clear();
    clock.advance(20);
    expect(called).toEqual(["a2", "a3", "a0", "a1"]);
  });

  it("leave when their institution refuses them for long, and say why", () => {
    const { clock, refusals, settled, called, push, lanes } = open();
    refusals.set("a", () => ({ reason: "circuit-open", untilMs: clock.now() + 1 }));
    push("a", 0);
    expect([settled, called, lanes.count]).toEqual([["a0 circuit-open"], [], 0]);
  });

  it("wait in memory for a rate limit that is over soon, asking no sooner, and leave where it is not", () => {
    const { clock, refusals, called, settled, asked, push } = open();
    const freeAtMs = clock.now() + 5_000;
    refusals.set("a", () => (clock.now() < freeAtMs ? { reason: "rate-limited", untilMs: freeAtMs } : undefined));
    push("a", 0);
    push("a", 1);
    clock.advance(4_999);
    expect([called, asked.length]).toEqual([[], 1]);
    clock.advance(1);
    expect(called).toEqual(["a0", "a1"]);
    refusals.set("a", () => ({ reason: "rate-limited", untilMs: clock.now() + 5_001 }));
    push("a", 2);
    expect(settled).toEqual(["a2 rate-limited"]);
  });

  it("ask again when a call of their institution ends, before their time", async () => {
    const { clock, refusals, called, push, end } = open();
    push("a", 0);
    refusals.set("a", () => ({ reason: "rate-limited", untilMs: clock.now() + 5_000 }));
    push("a", 1);
    refusals.clear();
    expect(called).toEqual(["a0"]);
    await end("a0");
    expect(called).toEqual(["a0", "a1"]);
    clock.advance(10_000);
    expect(called).toEqual(["a0", "a1"]);
  });

  it("stay where they are while it is paused; calls under way end", async () => {
    const { lanes, called, settled, push, end } = open();
    push("a", 0);
    lanes.pause();
    push("a", 1);
    await end("a0");
    expect([called, settled, lanes.underWay, lanes.sizeOf("a")]).toEqual([["a0"], ["a0 called"], 0, 1]);
  });

  it("hear nothing any more when it is closed, and leave no timer", async () => {
    const { clock, refusals, lanes, settled, called, push, end } = open();
    push("a", 0);
    refusals.set("b", () => ({ reason: "queue-full", untilMs: clock.now() + 60_000 }));
    push("b", 1);
    lanes.close();
    expect(clock.nextMs).toBe(Infinity);
    await end("a0");
    push("c", 2);
    expect([settled, called]).toEqual([[], ["a0"]]);
  });

  it("may be as many as they like: each that is refused lets the next one come", () => {
    const { clock, refusals, settled, push, lanes } = open({
      onSettle: ({ parcel: { offset } }, own) => {
        if (offset < 10_000) own.push(itemAt({ offset: offset + 1, resource: "a" }));
      },
    });
    refusals.set("a", () => ({ reason: "closed", untilMs: clock.now() + 60_000 }));
    push("a", 0);
    expect([settled.length, lanes.count]).toEqual([10_001, 0]);
  });
});
