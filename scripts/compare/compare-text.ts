import { table } from "../output/table.ts";
import type { ComparedSide, Comparison, ShownDifference, ShownRecord } from "./comparison.ts";
import type { FieldDifference } from "./field-differences.ts";

/** A comparison, for people. */
export function comparisonText(comparison: Comparison): string {
  const { differences } = comparison;
  return [
    verdict(comparison),
    "",
    countsTable(comparison),
    "",
    ...notes(comparison),
    ...differences.flatMap((difference) => ["", ...differenceLines(difference, comparison)]),
    ...more(comparison),
  ].join("\n");
}

function verdict({ isEqual, by, left, right, equal }: Comparison): string {
  const both = `${left.topic} and ${right.topic}`;
  return isEqual ? `${both} say the same: ${count(equal)} ${by === "keys" ? "keys" : "records"}` : `${both} DIFFER`;
}

function countsTable({ by, left, right, equal, different = 0, onlyLeft, onlyRight }: Comparison): string {
  const row = (name: string, of: (side: ComparedSide) => number) => [name, count(of(left)), count(of(right))];
  const both = (name: string, value: number) => [name, count(value), count(value)];
  const rows = [
    row("records read", ({ records }) => records),
    ...(by === "keys" ? [row("keys", ({ keys = 0 }) => keys)] : []),
    both("equal", equal),
    ...(by === "keys" ? [both("different", different)] : []),
    ["only here", count(onlyLeft), count(onlyRight)],
    row("compared as bytes", ({ undecoded }) => undecoded),
  ];
  return table(["", left.topic, right.topic], rows, [left.topic, right.topic]);
}

function notes(comparison: Comparison): readonly string[] {
  const { left, right, ignoredInVain } = comparison;
  const scattered = [left, right].filter((side) => (side.scattered ?? 0) > 0);
  return [
    ...[left, right].map((side) => `${side.topic} was read ${offsetsText(side)}`),
    ...scattered.map(
      (side) =>
        `${count(side.scattered!)} keys lie in several partitions of ${side.topic}: their record with the latest timestamp counts`,
    ),
    ...ignoredInVain.map((path) => `--ignore ${path}: no value has such a field`),
  ];
}

const PARTITIONS_MAX = 12;

/** "up to 0:1203 1:1188" */
function offsetsText({ offsets }: ComparedSide): string {
  if (offsets.length === 0) return "and has nothing there";
  const shown = offsets.slice(0, PARTITIONS_MAX).map(({ partition, to }) => `${partition}:${to}`);
  return `up to ${shown.join(" ")}${offsets.length > PARTITIONS_MAX ? " …" : ""}`;
}

function differenceLines(difference: ShownDifference, { left, right }: Comparison): readonly string[] {
  const { key, fields } = difference;
  const name = typeof key === "string" ? key : JSON.stringify(key);
  const sides = [
    ...(difference.left === undefined ? [] : [placeText(left.topic, difference.left)]),
    ...(difference.right === undefined ? [] : [placeText(right.topic, difference.right)]),
  ];
  const only = sides.length === 1 ? "only " : "";
  return [`${name}  ${only}${sides.join(", ")}`, ...(fields ?? []).map(fieldText), ...valueLines(difference)];
}

function placeText(topic: string, { partition, offset, times = 1, gone }: ShownRecord): string {
  const often = times === 1 ? "" : `${count(times)} times `;
  return `${often}in ${topic} ${partition}/${offset}${gone ? " (no longer there)" : ""}`;
}

function fieldText({ field, left, right, hidden }: FieldDifference): string {
  const name = field === "" ? "value" : field;
  if (hidden) return `  ${name}: differs, and is personal data`;
  const [from, to] = [left, right].map((value) => (value === undefined ? "(no such field)" : JSON.stringify(value)));
  return from === to ? `  ${name}: ${from}, of another type` : `  ${name}: ${from} → ${to}`;
}

const valueLines = ({ left, right }: ShownDifference): readonly string[] => {
  const value = left?.value ?? right?.value;
  return value === undefined ? [] : [`  ${JSON.stringify(value)}`];
};

const more = ({ differences, differing }: Comparison): readonly string[] =>
  differing > differences.length ? ["", `${count(differing - differences.length)} more: --limit shows them`] : [];

const count = (value: number): string => value.toLocaleString("en-US");
