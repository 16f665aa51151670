import { type Command, InvalidArgumentError, Option } from "commander";
import { parseWhere, type Where } from "../../runtime/ops/replay/where.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { durationMs, nonNegativeInteger, positiveInteger } from "../commands/options.ts";

/** What stands on the command line to choose dead letters. */
export interface SelectionOptions {
  readonly code?: readonly string[];
  readonly step?: readonly string[];
  readonly key?: string;
  readonly where?: string;
  readonly from?: number;
  readonly to?: number;
  readonly since?: number;
  readonly partition?: number;
  readonly offset?: number;
  readonly limit?: number;
}

/** Which dead letters of a job: all that fit everything that is given. */
export interface Selection {
  readonly codes: readonly string[];
  readonly steps: readonly string[];
  /** As it is shown. */
  readonly key: string | undefined;
  readonly where: Where | undefined;
  /** When it came to the DLQ: inclusive, exclusive. */
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
  readonly partition: number | undefined;
  readonly offset: number | undefined;
  readonly limit: number | undefined;
  /** In words, for people and the audit trail: "code CALL_AGE, step collect". */
  readonly text: string;
}

/** --code, --step, --key, --where, --from, --to, --since, --partition, --offset and --limit. */
export const selectionOptions = (command: Command): Command =>
  command
    .addOption(new Option("--code <code>", "only with this error code; may be repeated").argParser(collected))
    .addOption(new Option("--step <step>", "only of this step; may be repeated").argParser(collected))
    .option("--key <key>", "only of this key, as it is shown")
    .option("--where <expression>", "only where this holds: CEL on value, key, headers, code, step, timestamp")
    .addOption(new Option("--from <time>", "came to the DLQ then or later: a time, or a duration ago").argParser(time))
    .addOption(new Option("--to <time>", "came to the DLQ before").argParser(time))
    .addOption(
      new Option("--since <duration>", "came to the DLQ in the last of it, like 2h").argParser(time).conflicts("from"),
    )
    .addOption(new Option("-p, --partition <n>", "only of this partition of the DLQ").argParser(nonNegativeInteger))
    .addOption(new Option("--offset <n>", "only the one at this offset").argParser(nonNegativeInteger))
    .addOption(new Option("-n, --limit <n>", "the first so many").argParser(positiveInteger));

/** @throws {MulgilError} WHERE_INVALID, SELECTION_EMPTY */
export function selectionOf(options: SelectionOptions): Selection {
  const { code = [], step = [], key, where, to: toMs, partition, offset, limit } = options;
  const fromMs = options.from ?? options.since;
  if (fromMs !== undefined && toMs !== undefined && fromMs >= toMs)
    throw new MulgilError("--from is not before --to: nothing can have come in between", { code: "SELECTION_EMPTY" });
  return {
    ...{ codes: code, steps: step, key, fromMs, toMs, partition, offset, limit },
    where: where === undefined ? undefined : parseWhere(where, ["code", "step"]),
    text: textOf({ code, step, key, where, fromMs, toMs, partition, offset, limit }),
  };
}

function textOf(given: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(given).flatMap(([name, value]) => {
    if (value === undefined || (Array.isArray(value) && value.length === 0)) return [];
    if (name === "key") return ["key …"];
    if (name === "fromMs" || name === "toMs")
      return [`${name === "fromMs" ? "from" : "to"} ${new Date(value as number).toISOString()}`];
    return [`${name} ${Array.isArray(value) ? value.join(" or ") : String(value)}`];
  });
  return parts.length === 0 ? "all" : parts.join(", ");
}

const collected = (text: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), text];

/** A time, or a duration ago. */
function time(text: string): number {
  const agoMs = durationMs(text);
  if (agoMs !== undefined) return systemClock.now() - agoMs;
  const value = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(value))
    throw new InvalidArgumentError("Write a time like 2026-03-01T09:00:00Z, or a duration ago like 10m.");
  return value;
}
