import { responseClasses } from "../../jobs/mydata/response-codes.ts";
import type { Behaviour, ErrorRates, Latency } from "./behaviour.ts";
import {
  listOf,
  mustBe,
  number,
  object,
  oneOf,
  optional,
  orNull,
  partOf,
  type Read,
  text,
  trueOrFalse,
} from "./read-fields.ts";
import { scheduleProblem } from "./scheduled-windows.ts";

const LATENCY_MAX_MS = 3_600_000;
const PAGE_MAX = 500;
const PIECES_MAX = 1_000;

const ms = number({ min: 0, max: LATENCY_MAX_MS });
const duration = number({ min: 1 });
const rate = number({ min: 0, max: 1 });
const kind = oneOf("reset", "unavailable", "silent");
const moment = optional(number({ min: 0 }));

const latencies = {
  none: object({ kind: oneOf("none") }),
  fixed: object({ kind: oneOf("fixed"), ms }),
  uniform: object({ kind: oneOf("uniform"), fromMs: ms, toMs: ms }),
  logNormal: object({
    kind: oneOf("logNormal"),
    medianMs: number({ min: 1, max: LATENCY_MAX_MS }),
    p99Ms: ms,
    capMs: optional(ms),
  }),
};

const latencyKind = oneOf("none", "fixed", "uniform", "logNormal");

const latency: Read<Latency> = (value, field) => {
  const chosen = latencyKind((value as { readonly kind?: unknown } | null)?.kind, `${field}.kind`);
  const read = latencies[chosen](value, field);
  if (read.kind === "uniform" && read.toMs < read.fromMs)
    throw mustBe(`${field}.toMs`, `at least fromMs (${read.fromMs})`, read.toMs);
  if (read.kind === "logNormal" && read.p99Ms < read.medianMs)
    throw mustBe(`${field}.p99Ms`, `at least medianMs (${read.medianMs})`, read.p99Ms);
  return read;
};

const errorCodes = Object.keys(responseClasses).filter((code) => responseClasses[code] !== "ok");

const errorRates = object({
  serverErrorRate: optional(rate),
  connectionResetRate: optional(rate),
  okWithErrorRate: optional(rate),
  okWithErrorCode: optional(oneOf(...errorCodes)),
});

const errors: Read<ErrorRates> = (value, field) => {
  const read = errorRates(value, field);
  const sum = (read.serverErrorRate ?? 0) + (read.connectionResetRate ?? 0) + (read.okWithErrorRate ?? 0);
  if (sum > 1) throw new TypeError(`the rates of ${field} must add up to at most 1, not ${sum}`);
  return read;
};

const windows: Read<Behaviour["scheduledWindows"]> = (value, field) => {
  const time = text(/^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/, 'a time of day like "09:30"');
  const read = listOf(object({ from: time, to: time }))(value, field);
  const problem = scheduleProblem(read);
  if (problem !== undefined) throw new TypeError(`${field} ${problem}`);
  return read;
};

const fields: { readonly [N in keyof Behaviour]: Read<Behaviour[N]> } = {
  latency,
  errors,
  outage: orNull(object({ kind, fromMs: moment, untilMs: moment })),
  flapping: orNull(object({ kind, upMs: duration, downMs: duration, sinceMs: moment })),
  maintenance: orNull(object({ fromMs: moment, untilMs: moment })),
  callsPerSecondMax: orNull(number({ min: 0.001 })),
  slowDrip: orNull(object({ overMs: ms, pieces: optional(number({ min: 1, max: PIECES_MAX, isWhole: true })) })),
  cursors: oneOf("correct", "looping", "duplicated"),
  pageItemsMax: number({ min: 1, max: PAGE_MAX, isWhole: true }),
  tokenRevokedBetweenPagesRate: rate,
  rejectsRepeatedTransactionIds: trueOrFalse,
  scheduledWindows: windows,
  scheduledPerWeekMax: orNull(number({ min: 1, isWhole: true })),
  accessTokenMs: duration,
  refreshTokenMs: duration,
  consentMs: duration,
  uncoveredAssetsRate: rate,
  closedAssetsRate: rate,
};

const change = partOf(fields);

/** Checks a change of behaviour: only the fields that it has. @throws {TypeError} that names the field */
export const readBehaviour = (value: unknown, field = "behaviour"): Partial<Behaviour> => change(value, field);
