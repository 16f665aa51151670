import ms from "ms";
import type { RecordPlace } from "../../worker/member-status.ts";
import type { MemberOverview } from "../job-overview.ts";

/** "3m". Nothing is younger than nothing: clocks differ. */
export const age = (durationMs: number): string => ms(Math.max(0, Math.round(durationMs)));

export const count = (value: number): string => Math.round(value).toLocaleString("en-US");

/** "1 record", "12,044 records" */
export const counted = (value: number, noun: string): string => `${count(value)} ${noun}${value === 1 ? "" : "s"}`;

/** "1 record waits", "12,044 records wait" */
export const waits = (records: number): string => `${counted(records, "record")} ${records === 1 ? "waits" : "wait"}`;

const UNITS = ["B", "kB", "MB", "GB", "TB"] as const;

/** "12 MB" */
export function bytes(value: number): string {
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)));
  const scaled = value / 1_000 ** power;
  return `${scaled >= 10 || power === 0 ? Math.round(scaled) : scaled.toFixed(1)} ${UNITS[power]}`;
}

export const percent = (share: number): string => `${Math.round(share * 100)}%`;

/** "record events/0 offset 17, 3m old, key #1f0c22aa" */
export function recordText({ topic, partition, offset, timestampMs, keyHash }: RecordPlace, nowMs: number): string {
  const key = keyHash === undefined ? "without a key" : `key #${keyHash}`;
  return `record ${topic}/${partition} offset ${offset}, ${age(nowMs - timestampMs)} old, ${key}`;
}

/** "box-1, process 4711" */
export const workerText = ({ process, connectsFrom, memberId }: MemberOverview): string =>
  process === undefined ? (connectsFrom === "" ? memberId : connectsFrom) : `${process.host}, process ${process.pid}`;

/** "a, b, c and 4 more" */
export function listed(names: readonly string[], max = 5): string {
  const shown = names.slice(0, max).join(", ");
  return names.length > max ? `${shown} and ${names.length - max} more` : shown;
}
