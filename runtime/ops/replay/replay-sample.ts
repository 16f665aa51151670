import type { SchemaRegistry } from "../../../schemas/registry.ts";
import type { LogAccess } from "../../log/port.ts";
import { readRanges } from "../transfer/range-reader.ts";
import { offsetsIn } from "../transfer/ranges.ts";
import type { TransferRecord } from "../transfer/transfer.ts";
import type { ReplayDefinition } from "./replay-definition.ts";
import { matcherOf } from "./run-replay.ts";

/** What a replay would do, as far as was looked. */
export interface ReplaySample {
  /** Looked at. */
  readonly records: number;
  readonly meant: number;
  readonly failed: number;
  readonly copies: number;
  /** Everything was looked at: the numbers are what will be. */
  readonly isWhole: boolean;
  /** Records that are meant, the first ones. */
  readonly samples: readonly TransferRecord[];
  /** What is to be expected in all. */
  readonly meantInAll: number;
}

const SLICE_RECORDS = 500;

/** Looks at the first `recordsMax` records of the ranges. Changes nothing. @throws what the filter throws */
export async function sampleReplay(options: {
  readonly log: LogAccess;
  readonly registry: SchemaRegistry;
  readonly definition: ReplayDefinition;
  readonly recordsMax: number;
  readonly samplesMax: number;
}): Promise<ReplaySample> {
  const { log, registry, definition, recordsMax, samplesMax } = options;
  const { source, ranges } = definition;
  const matcher = matcherOf(definition, registry);
  const samples: TransferRecord[] = [];
  let [records, meant, failed, copies, offsets] = [0, 0, 0, 0, 0];
  const positions = new Map(ranges.map(({ partition, from }) => [partition, from]));
  for await (const batch of readRanges(log, { topic: source.topic, ranges, recordsMax: SLICE_RECORDS })) {
    const { partition, nextOffset } = batch;
    const selected = await matcher.select(batch.records.map((each) => ({ ...each, topic: source.topic, partition })));
    samples.push(...selected.records.slice(0, samplesMax - samples.length));
    records += batch.records.length;
    meant += selected.records.length;
    failed += selected.failed;
    copies += selected.copies;
    offsets += nextOffset - positions.get(partition)!;
    positions.set(partition, nextOffset);
    if (records >= recordsMax) break;
  }
  const total = offsetsIn(ranges);
  const isWhole = offsets >= total;
  const meantInAll = isWhole || offsets === 0 ? meant : Math.round((meant * total) / offsets);
  return { records, meant, failed, copies, isWhole, samples, meantInAll };
}
