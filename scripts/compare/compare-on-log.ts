import type { LogAccess } from "../../runtime/log/port.ts";
import {
  type ComparedTopics,
  type CompareTopicsOptions,
  compareTopics,
} from "../../runtime/ops/compare/compare-topics.ts";
import type { SideCounts } from "../../runtime/ops/compare/tally.ts";
import { rangesOf } from "../../runtime/ops/transfer/ranges.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { OpenLog } from "../environment/open-log.ts";
import { WorkProgress } from "../output/work-progress.ts";
import { openViewer, type ViewerOptions } from "../read/open-viewer.ts";
import { partitionsOf } from "../read/read-topic.ts";
import type { ComparedSide, Comparison } from "./comparison.ts";
import { showDifferences } from "./show-differences.ts";

export interface CompareRequest
  extends Pick<CompareTopicsOptions, "by" | "fromMs" | "toMs" | "disk" | "signal" | "differencesMax">,
    ViewerOptions {
  readonly left: string;
  readonly right: string;
  readonly ignored: readonly string[];
}

/** Compares two topics up to their ends as of now, with its progress on stderr. @throws {MulgilError} TOPIC_UNKNOWN, COMPARE_EMPTY, COMPARE_KEYLESS */
export async function compareOnLog(open: OpenLog, request: CompareRequest): Promise<Comparison> {
  const { log, registry } = open;
  const { left, right, ignored, schemas, keyType, reveal, ...how } = request;
  const ranges = await rangesOfBoth(log, request);
  const counted = await withProgress(how.by, (onProgress) =>
    compareTopics({ ...how, ...ranges, log, registry, ignored, onProgress }),
  );
  if (counted.left.records + counted.right.records === 0) throw empty(request);
  const viewing = { schemas, keyType, alike: [left, right] };
  const differences = await showDifferences(counted.differences, {
    ...{ log, registry, left, right, ignored, signal: how.signal },
    viewer: openViewer(open, { ...viewing, reveal }),
    openViewer: openViewer(open, { ...viewing, reveal: true }),
  });
  return { ...comparisonOf(counted, request, ranges), differences };
}

type Ranges = Pick<CompareTopicsOptions, "left" | "right">;

/** Fixed here, so that it ends while both go on being written. */
async function rangesOfBoth(log: LogAccess, { left, right, fromMs }: CompareRequest): Promise<Ranges> {
  const partitions = {
    left: await partitionsOf(log, left, undefined),
    right: await partitionsOf(log, right, undefined),
  };
  const from = fromMs === undefined ? "earliest" : { atOrAfterMs: fromMs };
  // Timestamps need not rise: a record before --to may lie behind one after it, so all are read.
  const rangesIn = (side: "left" | "right") => rangesOf({ log, partitions: partitions[side], from, to: "latest" });
  return {
    left: { topic: left, ranges: await rangesIn("left") },
    right: { topic: right, ranges: await rangesIn("right") },
  };
}

async function withProgress(
  by: CompareTopicsOptions["by"],
  compare: (onProgress: NonNullable<CompareTopicsOptions["onProgress"]>) => Promise<ComparedTopics>,
): Promise<ComparedTopics> {
  const shown = { reading: new WorkProgress("records read"), comparing: new WorkProgress(`${by} compared`) };
  try {
    return await compare(({ phase, done, total }) => shown[phase].show(done, total));
  } finally {
    shown.reading.close();
  }
}

function comparisonOf(
  counted: ComparedTopics,
  { left, right, by, ignored }: CompareRequest,
  ranges: Ranges,
): Omit<Comparison, "differences"> {
  const { equal, different, onlyLeft, onlyRight, differing, ignoredInVain } = counted;
  return {
    ...{ by, isEqual: differing === 0 },
    left: sideOf(by, left, counted.left, ranges.left.ranges),
    right: sideOf(by, right, counted.right, ranges.right.ranges),
    ...{ equal, ...(by === "keys" && { different }), onlyLeft, onlyRight, differing, ignored, ignoredInVain },
  };
}

const sideOf = (
  by: CompareTopicsOptions["by"],
  topic: string,
  { records, compared, undecoded, scattered }: SideCounts,
  offsets: ComparedSide["offsets"],
): ComparedSide => ({
  ...{ topic, records, ...(by === "keys" && { keys: compared }), undecoded },
  ...(by === "keys" && { scattered }),
  offsets,
});

const empty = ({ left, right, fromMs, toMs }: CompareRequest): MulgilError => {
  const range = fromMs === undefined && toMs === undefined ? "" : " between --from and --to";
  return new MulgilError(
    `neither topic "${left}" nor topic "${right}" has a record${range}, so there is nothing to compare: see mulgil topics${range === "" ? "" : ", and the timestamps of records with mulgil read"}`,
    { code: "COMPARE_EMPTY", context: { topic: left } },
  );
};
