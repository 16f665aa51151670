import { describe, expect, it } from "vitest";
import { standardBehaviour } from "./behaviour.ts";
import { readBehaviour } from "./read-behaviour.ts";

const window = (from: string, to: string) => ({ from, to });

describe("readBehaviour", () => {
  it("reads the standard behaviour, also from JSON, and nothing that is not given", () => {
    expect(readBehaviour(JSON.parse(JSON.stringify(standardBehaviour)))).toEqual(standardBehaviour);
    expect(readBehaviour({})).toEqual({});
    expect(readBehaviour({ outage: { kind: "silent" } })).toEqual({ outage: { kind: "silent" } });
    expect(readBehaviour({ outage: null, pageItemsMax: undefined })).toEqual({ outage: null });
  });

  it.each([
    [[], "behaviour must be an object, not []"],
    [{ latencies: 1 }, /^behaviour has no latencies; there are latency, errors, outage/],
    [{ toString: 1 }, /^behaviour has no toString/],
    [{ latency: null }, "behaviour.latency.kind must be one of none, fixed, uniform, logNormal, not undefined"],
    [
      { latency: { kind: "slow" } },
      'behaviour.latency.kind must be one of none, fixed, uniform, logNormal, not "slow"',
    ],
    [{ latency: { kind: "fixed" } }, "behaviour.latency.ms must be a number from 0 to 3600000, not undefined"],
    [{ latency: { kind: "fixed", ms: -1 } }, "behaviour.latency.ms must be a number from 0 to 3600000, not -1"],
    [{ latency: { kind: "fixed", ms: 1, toMs: 2 } }, "behaviour.latency has no toMs; there are kind, ms"],
    [{ latency: { kind: "uniform", fromMs: 9, toMs: 3 } }, "behaviour.latency.toMs must be at least fromMs (9), not 3"],
    [
      { latency: { kind: "logNormal", medianMs: 100, p99Ms: 10 } },
      "behaviour.latency.p99Ms must be at least medianMs (100), not 10",
    ],
    [{ errors: { serverErrorRate: 2 } }, "behaviour.errors.serverErrorRate must be a number from 0 to 1, not 2"],
    [
      { errors: { serverErrorRate: 0.75, okWithErrorRate: 0.5 } },
      "the rates of behaviour.errors must add up to at most 1, not 1.25",
    ],
    [
      { errors: { okWithErrorCode: "99999" } },
      /^behaviour.errors.okWithErrorCode must be one of .*50009, not "99999"$/,
    ],
    [{ outage: { kind: "gone" } }, 'behaviour.outage.kind must be one of reset, unavailable, silent, not "gone"'],
    [{ outage: { kind: "reset", fromMs: "now" } }, 'behaviour.outage.fromMs must be a number from 0 on, not "now"'],
    [{ flapping: { kind: "reset", upMs: 0, downMs: 5 } }, "behaviour.flapping.upMs must be a number from 1 on, not 0"],
    [{ maintenance: true }, "behaviour.maintenance must be an object, not true"],
    [{ callsPerSecondMax: 0 }, "behaviour.callsPerSecondMax must be a number from 0.001 on, not 0"],
    [
      { slowDrip: { overMs: 9, pieces: 1.5 } },
      "behaviour.slowDrip.pieces must be a whole number from 1 to 1000, not 1.5",
    ],
    [{ pageItemsMax: 501 }, "behaviour.pageItemsMax must be a whole number from 1 to 500, not 501"],
    [{ pageItemsMax: Number.NaN }, "behaviour.pageItemsMax must be a whole number from 1 to 500, not null"],
    [{ rejectsRepeatedTransactionIds: 1 }, "behaviour.rejectsRepeatedTransactionIds must be true or false, not 1"],
    [{ scheduledWindows: "night" }, 'behaviour.scheduledWindows must be a list, not "night"'],
    [
      { scheduledWindows: [window("9:00", "20:00")] },
      'behaviour.scheduledWindows[0].from must be a time of day like "09:30", not "9:00"',
    ],
    [
      { scheduledWindows: [window("00:00", "05:59")] },
      "behaviour.scheduledWindows must be 6 hours together at least, not 359 minutes",
    ],
    [
      { scheduledWindows: [window("22:00", "02:00"), window("01:00", "06:00")] },
      "behaviour.scheduledWindows must not overlap",
    ],
    [
      { scheduledWindows: ["00", "03", "06", "09"].map((hour) => window(`${hour}:00`, `${hour}:59`)) },
      "behaviour.scheduledWindows must be at most 3 windows, not 4",
    ],
    [{ scheduledPerWeekMax: 0 }, "behaviour.scheduledPerWeekMax must be a whole number from 1 on, not 0"],
  ])("refuses %j", (value, message) => {
    expect(() => readBehaviour(value)).toThrow(message);
    expect(() => readBehaviour(value)).toThrow(TypeError);
  });

  it("takes windows over midnight, and three that touch", () => {
    const scheduledWindows = [window("22:00", "02:00"), window("02:00", "03:00"), window("21:00", "22:00")];
    expect(readBehaviour({ scheduledWindows })).toEqual({ scheduledWindows });
  });
});
