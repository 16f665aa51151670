import ms from "ms";
import { table } from "../output/table.ts";
import { number } from "../run/progress.ts";
import type { FoundEntries, FoundEntry } from "./found-entries.ts";
import type { StoreSize } from "./sizes.ts";
import { isWrong, type VerifiedStore } from "./verified-store.ts";

/** For people: the entries, and what they correspond to. */
export function entriesText({ source, positions, entries }: FoundEntries): string {
  const tasks = new Set(entries.map(({ task }) => task));
  const of = positions.filter(({ task }) => tasks.has(task)).map(({ task, position }) => `${task} at ${position}`);
  const from = source === "store" ? "as committed" : "from the changelog";
  return `${entriesTable(entries)}\n\n${from}: ${of.join(", ")}`;
}

/** Columns that no entry fills are left out. */
export function entriesTable(entries: readonly FoundEntry[], isHeaded = true): string {
  const has = (name: keyof FoundEntry) => entries.some((entry) => entry[name] !== undefined);
  const columns: readonly (readonly [string, (entry: FoundEntry) => string, boolean])[] = [
    ["task", ({ task }) => task, true],
    ["key", ({ key }) => text(key), true],
    ["entry", ({ entryKey }) => text(entryKey), has("entryKey")],
    ["window", ({ windowStartMs }) => time(windowStartMs), has("windowStartMs")],
    ["value", ({ value }) => JSON.stringify(value), true],
    ["event time", ({ eventTimeMs }) => time(eventTimeMs), true],
  ];
  const shown = columns.filter(([, , isShown]) => isShown);
  const rows = entries.map((entry) => shown.map(([, cell]) => cell(entry)));
  const lines = table(
    shown.map(([name]) => name),
    rows,
  );
  return isHeaded ? lines : lines.slice(lines.indexOf("\n") + 1);
}

const text = (key: unknown): string => (typeof key === "string" ? key : JSON.stringify(key));
const time = (timeMs: number | undefined): string =>
  timeMs === undefined || !Number.isFinite(timeMs) || Math.abs(timeMs) > 8.64e15 ? "-" : new Date(timeMs).toISOString();

/** For people: a line a store and task. */
export function sizesText(sizes: readonly StoreSize[]): string {
  if (sizes.length === 0) return "this job has no stores";
  const rows = sizes.map(({ store, kind, task, entries, bytesOnDisk, changelog, checkpoint, problem }) => [
    store,
    kind,
    task,
    counted(entries),
    bytesOnDisk === undefined ? "-" : bytesText(bytesOnDisk),
    number(changelog.offsets),
    counted(checkpoint?.behind),
    checkpoint === undefined ? "-" : ms(checkpoint.ageMs),
    problem ?? "",
  ]);
  return table(["store", "kind", "task", "entries", "disk", "changelog", "behind", "checkpoint", ""], rows, [
    "entries",
    "disk",
    "changelog",
    "behind",
    "checkpoint",
  ]);
}

const counted = (value: number | undefined): string => (value === undefined ? "-" : number(value));

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

function bytesText(bytes: number): string {
  const unit = bytes === 0 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** unit).toFixed(unit === 0 ? 0 : 1)} ${UNITS[unit]}`;
}

const SHOWN_MAX = 10;

/** For people: a line a store and task; below each that differs, what does. */
export function verifiedText(all: readonly VerifiedStore[]): string {
  const rows = all.map((each) => [
    each.store,
    each.task,
    verdict(each),
    each.report?.status === "compared" ? number(each.report.entries) : "-",
    each.report === undefined || each.report.status === "empty" ? "-" : String(each.report.checkpoint.nextOffset),
    detail(each),
  ]);
  const head = table(["store", "task", "verdict", "entries", "up to", ""], rows, ["entries", "up to"]);
  return [head, ...all.flatMap(differencesText)].join("\n");
}

function verdict({ report }: VerifiedStore): string {
  switch (report?.status) {
    case undefined:
      return "not verified";
    case "compared":
      return report.differing === 0 ? "equal" : "DIFFERENT";
    case "unrebuildable":
      return "NOT REBUILDABLE";
    default:
      return "to be rebuilt";
  }
}

function detail({ report, problem, folder }: VerifiedStore): string {
  const notes: string[] = [];
  if (problem !== undefined) notes.push(problem);
  if (report?.status === "empty") notes.push("there is no checkpoint: the next start rebuilds it");
  if (report?.status === "distrusted") notes.push(`the next start rebuilds it: ${report.reason}`);
  if (report?.status === "unrebuildable") notes.push(report.reason);
  if (report?.status === "compared") {
    if (report.differing > 0) notes.push(`${number(report.differing)} differ`);
    if (report.aged > 0)
      notes.push(`a restore would lack ${number(report.aged)}, whose records the changelog's retention has removed`);
    if (report.overtaken > 0) notes.push(`${number(report.overtaken)} cannot be judged: compacted since`);
    if (report.distrust !== undefined) notes.push(`the next start rebuilds it: ${report.distrust}`);
  }
  if (folder !== undefined) notes.push(folder);
  return notes.join("; ");
}

function differencesText(each: VerifiedStore): readonly string[] {
  if (!isWrong(each) || each.report?.status !== "compared") return [];
  const { differences, differing } = each.report;
  const lines = differences.slice(0, SHOWN_MAX).map(({ kind, part, keyHash, windowStartMs, stored, replayed }) => {
    const where = windowStartMs === undefined ? "" : ` window ${time(windowStartMs)}`;
    const shown = [
      ...(stored === undefined ? [] : [`store ${JSON.stringify(stored)}`]),
      ...(replayed === undefined ? [] : [`changelog ${JSON.stringify(replayed)}`]),
    ];
    return `  ${kind} ${part}${keyHash === "" ? "" : ` of key #${keyHash}`}${where}${shown.length === 0 ? "" : `: ${shown.join(", ")}`}`;
  });
  const more =
    differing > lines.length ? [`  and ${number(differing - lines.length)} more: -o json has the first 100`] : [];
  return ["", `${each.store} in ${each.task}:`, ...lines, ...more];
}
