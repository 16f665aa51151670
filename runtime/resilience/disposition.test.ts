import { describe, expect, it } from "vitest";
import { dead, done, type Outcome, retry, wait } from "../dsl/outcome.ts";
import { arrived, type Disposition, type DispositionOptions, dispositionOf, hop } from "./disposition.ts";
import { type Travel, untravelled } from "./parcel.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW_MS = Date.UTC(2026, 0, 1);
const TIERS_MS = [10 * SECOND, MINUTE, 10 * MINUTE, HOUR];

const options: DispositionOptions = {
  limits: { attemptsMax: 10, ageMaxMs: 7 * DAY, backoffMs: 10 * SECOND },
  tierDelaysMs: TIERS_MS,
  nowMs: NOW_MS,
  calledAtMs: NOW_MS - 100,
};
const tried = (travel: Partial<Travel>): Travel => ({ ...untravelled, firstCallMs: NOW_MS - MINUTE, ...travel });

const short = (disposition: Disposition): string =>
  disposition.kind === "tier"
    ? `tier ${disposition.tier}`
    : disposition.kind === "dead"
      ? `dead ${disposition.code}`
      : "done";

describe("what becomes of a record", () => {
  it.each<[string, Outcome<unknown>, Travel, string]>([
    ["a success ends it", done(1), untravelled, "done"],
    ["a success ends it whatever it has been through", done(1), tried({ attempts: 99, waits: 9 }), "done"],
    ["what is dead is dead at once", dead("GONE", "gone"), untravelled, "dead GONE"],
    ["the first failure: the first tier", retry("busy"), untravelled, "tier 0"],
    ["the second failure: the tier of the doubled back-off", retry("busy"), tried({ attempts: 1 }), "tier 1"],
    ["the third failure: 40 s, still a minute", retry("busy"), tried({ attempts: 2 }), "tier 1"],
    ["the fourth failure: 80 s", retry("busy"), tried({ attempts: 3 }), "tier 2"],
    ["a back-off beyond the longest tier", retry("busy"), tried({ attempts: 8 }), "tier 3"],
    ["the last attempt", retry("busy"), tried({ attempts: 9 }), "dead CALL_ATTEMPTS"],
    ["more attempts than a new policy allows", retry("busy"), tried({ attempts: 20 }), "dead CALL_ATTEMPTS"],
    ["the oldest that may be tried", retry("busy"), tried({ firstCallMs: NOW_MS - 7 * DAY }), "tier 0"],
    ["older than that", retry("busy"), tried({ firstCallMs: NOW_MS - 7 * DAY - 1 }), "dead CALL_AGE"],
    ["what it waited makes nothing older", retry("busy"), tried({ firstCallMs: 0, waitedMs: NOW_MS }), "tier 0"],
    [
      "a first call in the future: the clock was set back",
      retry("busy"),
      tried({ firstCallMs: NOW_MS + DAY }),
      "tier 0",
    ],
    [
      "the institution names a longer time: the longest tier within",
      retry("busy", { afterMs: 5 * MINUTE }),
      untravelled,
      "tier 1",
    ],
    [
      "the institution names a shorter time than the back-off",
      retry("busy", { afterMs: SECOND }),
      untravelled,
      "tier 0",
    ],
    ["the institution names exactly the back-off", retry("busy", { afterMs: 10 * SECOND }), untravelled, "tier 0"],
    ["the institution names no number", retry("busy", { afterMs: Number.NaN }), untravelled, "tier 0"],
    ["the institution names for ever", retry("busy", { afterMs: Number.POSITIVE_INFINITY }), untravelled, "tier 0"],
    ["waiting without a time: as the back-off has it", wait("closed"), untravelled, "tier 0"],
    ["waiting again without a time: longer", wait("closed"), tried({ waits: 4 }), "tier 1"],
    ["waiting for the thousandth time", wait("closed"), tried({ waits: 1_000 }), "tier 3"],
    ["waiting has no last attempt", wait("closed"), tried({ attempts: 9 }), "tier 0"],
    ["waiting has no age", wait("closed"), tried({ firstCallMs: 0 }), "tier 0"],
    [
      "waiting until a time: the longest tier within",
      wait("closed", { untilMs: NOW_MS + 30 * MINUTE }),
      untravelled,
      "tier 2",
    ],
    ["waiting until exactly the end of a tier", wait("closed", { untilMs: NOW_MS + HOUR }), untravelled, "tier 3"],
    ["waiting until a millisecond before", wait("closed", { untilMs: NOW_MS + HOUR - 1 }), untravelled, "tier 2"],
    ["waiting for days: the longest", wait("closed", { untilMs: NOW_MS + 3 * DAY }), untravelled, "tier 3"],
    ["waiting for less than the shortest tier", wait("closed", { untilMs: NOW_MS + 1 }), untravelled, "tier 0"],
    ["waiting until a time that is over", wait("closed", { untilMs: 0 }), untravelled, "tier 0"],
    [
      "waiting for ever: nobody would ask again",
      wait("closed", { untilMs: Number.POSITIVE_INFINITY }),
      untravelled,
      "tier 0",
    ],
  ])("%s", (_name, outcome, travel, expected) => {
    expect(short(dispositionOf(outcome, travel, options))).toBe(expected);
  });

  it("says in the dead letter what was the matter last", () => {
    const last = (travel: Travel) => dispositionOf(retry("busy"), travel, options);
    expect(last(tried({ attempts: 9 }))).toMatchObject({ reason: "10 calls failed, the last one: busy" });
    expect(last(tried({ firstCallMs: NOW_MS - 8 * DAY }))).toMatchObject({
      reason: "calls failed for 691200 s, the last one: busy",
    });
  });

  it("counts a failure, and begins waiting anew", () => {
    const before = tried({ attempts: 2, waits: 3, sinceMs: 7, waitedMs: 50 });
    expect(dispositionOf(retry("busy", { afterMs: 5_000 }), before, options)).toMatchObject({
      travel: { ...before, attempts: 3, waits: 0, waitingFromMs: undefined, notBeforeMs: NOW_MS + 5_000 },
    });
  });

  it("counts no call where none was made, and remembers the first one", () => {
    const waiting = dispositionOf(wait("closed"), untravelled, { ...options, calledAtMs: undefined });
    expect(waiting).toMatchObject({
      travel: {
        ...{ attempts: 0, waits: 1, firstCallMs: undefined },
        ...{ waitingFromMs: NOW_MS, sinceMs: NOW_MS, notBeforeMs: NOW_MS + 10 * SECOND },
      },
    });
    expect(dispositionOf(retry("busy"), untravelled, options)).toMatchObject({ travel: { firstCallMs: NOW_MS - 100 } });
    expect(dispositionOf(retry("busy"), tried({ firstCallMs: 5, waitedMs: NOW_MS }), options)).toMatchObject({
      travel: { firstCallMs: 5 },
    });
  });
});

describe("a record in tiers", () => {
  it("hops until its time has come, through as few tiers as that takes, and never past it by more than the shortest", () => {
    for (const waitMs of [1, 9_999, 10_000, 59_999, 61_000, 3 * HOUR + 17 * MINUTE, 40 * HOUR]) {
      const first = dispositionOf(wait("closed", { untilMs: NOW_MS + waitMs }), untravelled, options);
      if (first.kind !== "tier") throw new Error("not in a tier");
      let nowMs = NOW_MS + TIERS_MS[first.tier]!;
      const hops = [first.tier];
      while (first.travel.notBeforeMs > nowMs) {
        const tier = hop(first.travel, TIERS_MS, nowMs);
        hops.push(tier);
        nowMs += TIERS_MS[tier]!;
      }
      expect(nowMs - first.travel.notBeforeMs).toBeLessThan(TIERS_MS[0]!);
      expect(hops).toEqual(hops.toSorted((left, right) => right - left));
    }
  });

  it("is made no older by what it waited there, over all hops", () => {
    const waiting = { ...untravelled, firstCallMs: 1, waitedMs: 10, waitingFromMs: NOW_MS };
    expect(arrived(waiting, NOW_MS + 500)).toEqual({ ...waiting, waitingFromMs: undefined, waitedMs: 510 });
  });

  it("is made no younger by a clock that was set back", () => {
    expect(arrived({ ...untravelled, waitingFromMs: NOW_MS }, NOW_MS - HOUR).waitedMs).toBe(0);
  });

  it("is made older by what it spends there after a failure", () => {
    const failed = tried({ attempts: 1 });
    expect(arrived(failed, NOW_MS + HOUR)).toBe(failed);
  });
});
