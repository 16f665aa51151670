import type { LogAccess } from "../../runtime/log/port.ts";
import { ComparableValues } from "../../runtime/ops/compare/comparable-values.ts";
import type { TopicDifference } from "../../runtime/ops/compare/tally.ts";
import type { Said } from "../../runtime/ops/compare/verdicts.ts";
import type { SchemaRegistry } from "../../schemas/registry.ts";
import type { ReadRecord } from "../read/read-topic.ts";
import type { RecordView, RecordViewer } from "../read/record-view.ts";
import type { ShownDifference, ShownRecord } from "./comparison.ts";
import { fetchRecords } from "./fetch-records.ts";
import { type ComparedValue, type FieldDifference, fieldDifferences } from "./field-differences.ts";

export interface ShowOptions {
  readonly log: Pick<LogAccess, "openReader">;
  readonly registry: SchemaRegistry;
  readonly left: string;
  readonly right: string;
  readonly ignored: readonly string[];
  /** What is shown. */
  readonly viewer: RecordViewer;
  /** With personal data: to find what differs. */
  readonly openViewer: RecordViewer;
  readonly signal: AbortSignal;
}

/** Reads the records that differ once more, and shows them as far as they may be seen. */
export async function showDifferences(
  differences: readonly TopicDifference[],
  options: ShowOptions,
): Promise<readonly ShownDifference[]> {
  const { log, registry, signal, ignored } = options;
  const lefts = await fetchRecords(
    log,
    options.left,
    differences.map(({ left }) => left),
    signal,
  );
  const rights = await fetchRecords(
    log,
    options.right,
    differences.map(({ right }) => right),
    signal,
  );
  const values = new ComparableValues({ registry, ignored });
  await values.load([...lefts, ...rights].map((record) => record?.value ?? null));
  const shown: ShownDifference[] = [];
  for (const [index, difference] of differences.entries()) {
    const [left, right] = [await seen(lefts[index], values, options), await seen(rights[index], values, options)];
    shown.push(await shownDifference(difference, left, right, options));
  }
  return shown;
}

interface Seen {
  readonly view: RecordView;
  readonly value: ComparedValue;
}

async function seen(
  record: ReadRecord | undefined,
  values: ComparableValues,
  { viewer, openViewer }: ShowOptions,
): Promise<Seen | undefined> {
  if (record === undefined) return undefined;
  const [[view], [open]] = [await viewer.view([record]), await openViewer.view([record])];
  const text = record.value === null ? "null" : values.textOf(record.value);
  const canonical = text === undefined ? { $bytes: record.value!.toString("base64") } : JSON.parse(text);
  return { view: view!, value: { canonical, open: open!.value, shown: view!.value } };
}

async function shownDifference(
  { key, left, right }: TopicDifference,
  seenLeft: Seen | undefined,
  seenRight: Seen | undefined,
  options: ShowOptions,
): Promise<ShownDifference> {
  const shownKey =
    (seenLeft ?? seenRight)?.view.key ??
    (await keyAlone(key, left === undefined ? options.right : options.left, options));
  const fields = fieldsOf(left, right, seenLeft, seenRight);
  const isAlone = fields === undefined;
  return {
    key: shownKey,
    ...(left && { left: shownRecord(left, seenLeft, isAlone) }),
    ...(right && { right: shownRecord(right, seenRight, isAlone) }),
    ...(fields && { fields }),
  };
}

/** Where the same record is there another number of times, there is nothing to hold against each other. */
function fieldsOf(
  left: Said | undefined,
  right: Said | undefined,
  seenLeft: Seen | undefined,
  seenRight: Seen | undefined,
): readonly FieldDifference[] | undefined {
  if (seenLeft === undefined || seenRight === undefined || left?.times !== right?.times) return undefined;
  return fieldDifferences(seenLeft.value, seenRight.value);
}

function shownRecord({ partition, offset, times }: Said, found: Seen | undefined, hasValue: boolean): ShownRecord {
  return {
    ...{ partition, offset, ...(times !== 1 && { times }) },
    ...(found === undefined ? { gone: true } : { timestamp: found.view.timestamp }),
    ...(found !== undefined && hasValue && { value: found.view.value }),
  };
}

/** The key of a record that is not there any more. */
async function keyAlone(key: Buffer | null, topic: string, { viewer }: ShowOptions): Promise<unknown> {
  const record = { topic, partition: 0, offset: 0, timestampMs: 0, key, value: null, headers: undefined };
  const [view] = await viewer.view([record]);
  return view!.key;
}
