import { readFileSync } from "node:fs";
import { type CallPolicy, ConfigError, type Issue } from "mulgil";
import type { CollectionRequest } from "../../schemas/types/mydata/collection-request.ts";
import type { Industry } from "./resources.ts";
import { closedUntilMs, type DayWindow } from "./schedule.ts";

/** One institution: where it is, when it may be asked, and how much it bears. */
export interface Institution {
  readonly id: string;
  readonly industry: Industry;
  /** Without a slash at the end. */
  readonly baseUrl: string;
  /** When scheduled calls are answered. */
  readonly windows: readonly DayWindow[];
  readonly timeout?: string;
  readonly concurrencyMax?: number;
  readonly callsPerSecond?: number;
}

/** By id. */
export type Institutions = ReadonlyMap<string, Institution>;

const INDUSTRIES = ["bank", "card", "insu"] as const;
const ALL_DAY: readonly DayWindow[] = [{ from: "00:00", to: "24:00" }];
const TIME = /^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/;
const WINDOWS_MAX = 3;
const DEFAULT_COUNT = 20;

/**
 * Reads the table of institutions: a JSON array of `{ id, industry, baseUrl, windows?, timeout?, concurrencyMax?, callsPerSecond? }`.
 * @throws {ConfigError} MYDATA_INSTITUTIONS, with everything that is wrong
 */
export function readInstitutions(json: unknown): Institutions {
  const issues: Issue[] = [];
  const issue = (at: string, message: string) => issues.push({ code: "MYDATA_INSTITUTIONS", at, message });
  const entries = Array.isArray(json) ? json : [];
  if (entries.length === 0) issue("the table", "must be an array of institutions, and not empty");
  const found = new Map<string, Institution>();
  for (const [index, entry] of entries.entries()) {
    const at = typeof entry?.id === "string" && entry.id !== "" ? entry.id : `entry ${index}`;
    const problems = problemsOf(entry);
    if (found.has(at)) problems.push("is there twice");
    for (const problem of problems) issue(at, problem);
    if (problems.length === 0) found.set(at, { ...entry, windows: entry.windows ?? ALL_DAY });
  }
  if (issues.length > 0) throw new ConfigError("the table of institutions is wrong:", issues);
  return found;
}

function problemsOf(entry: Partial<Record<keyof Institution, unknown>> | null): string[] {
  if (typeof entry !== "object" || entry === null) return ["must be an object"];
  const { id, industry, baseUrl, windows = ALL_DAY, concurrencyMax = 1, callsPerSecond = 1, timeout = "1s" } = entry;
  const isPositive = (value: unknown) => typeof value === "number" && value > 0;
  const rules: readonly (readonly [boolean, string])[] = [
    [typeof id === "string" && id !== "", "needs an id"],
    [INDUSTRIES.includes(industry as Industry), `industry must be one of ${INDUSTRIES.join(", ")}`],
    [isUrl(baseUrl), "baseUrl must be an http or https URL without a slash at the end"],
    [areWindows(windows), `windows must be 1 to ${WINDOWS_MAX} of { from, to }, as HH:MM`],
    [Number.isInteger(concurrencyMax) && isPositive(concurrencyMax), "concurrencyMax must be a whole number from 1"],
    [isPositive(callsPerSecond), "callsPerSecond must be positive"],
    [typeof timeout === "string", 'timeout must be a duration, like "30 seconds"'],
  ];
  return rules.filter(([holds]) => !holds).map(([, problem]) => problem);
}

const isUrl = (url: unknown): boolean =>
  typeof url === "string" && URL.canParse(url) && /^https?:\/\//.test(url) && !url.endsWith("/");

const areWindows = (windows: unknown): boolean =>
  Array.isArray(windows) &&
  windows.length > 0 &&
  windows.length <= WINDOWS_MAX &&
  windows.every((window) => TIME.test(window?.from) && TIME.test(window?.to) && window.from !== window.to);

/** The table of a file; without one, the institutions to develop against on their usual port. */
export function loadInstitutions(file: string | undefined): Institutions {
  return readInstitutions(file === undefined ? localInstitutions() : contentOf(file));
}

function contentOf(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    const message = `the file "${file}" that MYDATA_INSTITUTIONS names cannot be read as JSON: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new ConfigError(
      "there is no table of institutions:",
      [{ code: "MYDATA_INSTITUTIONS", at: "MYDATA_INSTITUTIONS", message }],
      { cause },
    );
  }
}

const localInstitutions = () =>
  Array.from({ length: DEFAULT_COUNT }, (_, index) => {
    const industry = INDUSTRIES[index % INDUSTRIES.length]!;
    const id = `${industry}-${String(Math.floor(index / INDUSTRIES.length) + 1).padStart(2, "0")}`;
    return { id, industry, baseUrl: `http://127.0.0.1:4600/${id}` };
  });

/** How an institution is called, as data. One that is not in the table is not called: the handler says so. */
export function policyOf(institution: Institution | undefined): CallPolicy {
  if (institution === undefined) return {};
  const { windows, timeout, concurrencyMax, callsPerSecond } = institution;
  return {
    timeout: timeout ?? "30 seconds",
    ...(concurrencyMax !== undefined && { concurrency: { min: 1, max: concurrencyMax } }),
    ...(callsPerSecond !== undefined && { rateLimit: { calls: callsPerSecond, per: "1 second" } }),
    closedUntil: (nowMs: number, { apiType }: Pick<CollectionRequest, "apiType">) =>
      apiType === "scheduled" ? closedUntilMs(windows, nowMs) : undefined,
  };
}
