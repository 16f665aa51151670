import ms from "ms";
import type { HeldGroup, WaitingGroup } from "../../runtime/ops/waiting-overview.ts";
import { table } from "../output/table.ts";

/** With times as programs read them everywhere on the command line. */
export const waitingView = ({ sinceMs, nextDueMs, lastDueMs, ...rest }: WaitingGroup) => ({
  ...rest,
  since: iso(sinceMs),
  nextDue: iso(nextDueMs),
  lastDue: iso(lastDueMs),
});

export const heldView = ({ sinceMs, headDueMs, ...rest }: HeldGroup) => ({
  ...rest,
  since: iso(sinceMs),
  headDue: headDueMs === undefined ? undefined : iso(headDueMs),
});

export const waitingTable = (groups: readonly WaitingGroup[], nowMs: number): string =>
  table(
    ["job", "step", "institution", "tier", "records", "since", "next due", "last due", "attempts"],
    groups.map(({ job, step, resource, delayMs, records, sinceMs, nextDueMs, lastDueMs, attemptsMax }) => [
      ...[job, step, resource, ms(delayMs), String(records), ms(Math.max(0, nowMs - sinceMs))],
      ...[due(nextDueMs, nowMs), due(lastDueMs, nowMs), String(attemptsMax)],
    ]),
    ["records", "attempts"],
  );

export const heldTable = (groups: readonly HeldGroup[], nowMs: number): string =>
  table(
    ["job", "step", "institution", "key", "held", "since", "behind one in", "due", "attempts"],
    groups.map(({ job, step, resource, key, held, sinceMs, headAt, headDueMs, headAttempts }) => [
      ...[job, step, resource, key, String(held), ms(Math.max(0, nowMs - sinceMs)), PLACES[headAt]],
      headDueMs === undefined ? "-" : due(headDueMs, nowMs),
      String(headAttempts ?? "-"),
    ]),
    ["held", "attempts"],
  );

const PLACES: Readonly<Record<HeldGroup["headAt"], string>> = {
  input: "memory",
  held: "memory",
  tier: "a tier",
};

const due = (atMs: number, nowMs: number): string => (atMs <= nowMs ? "now" : `in ${ms(atMs - nowMs)}`);

const iso = (timeMs: number): string => new Date(timeMs).toISOString();
