import { MulgilError } from "../../../schemas/mulgil-error.ts";
import { decodeCheckpoint } from "../../../state/checkpoint.ts";
import type { Database, StateDisk } from "../../../state/disk.ts";
import {
  checkpointKey,
  dataPrefix,
  dataRange,
  expiryKey,
  readOrderedInteger,
  streamTimeKey,
} from "../../../state/key-layout.ts";
import { InvariantError } from "../../errors/errors.ts";
import { readPartition } from "../../log/read-partition.ts";
import type { PlannedStore } from "../../plan/plan.ts";
import { tasksOf } from "../../worker/task-assignor.ts";
import { taskId } from "../../worker/task-id.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";

/** After a clean stop: the entries of every store equal the replay of its changelog, on every machine whose copy claims to be complete; one does. */
export async function checkStores(cluster: SimulatedCluster): Promise<void> {
  const { plan, partitionCounts, job } = cluster.runtime;
  const tasks = new Set(tasksOf(plan, partitionCounts).map(({ id }) => id));
  for (const { name, stores, sources } of plan.subTopologies) {
    const partitions = Math.max(...sources.map((topic) => partitionCounts.get(topic)!));
    for (const planned of stores) {
      for (let partition = 0; partition < partitions; partition++) {
        const task = taskId(name, partition);
        if (!tasks.has(task)) throw new InvariantError(`task ${task} is not in the plan`);
        await checkStore(cluster, { path: `${job.name}/${task}/${planned.name}`, planned, partition });
      }
    }
  }
}

interface Checked {
  readonly path: string;
  readonly planned: PlannedStore;
  readonly partition: number;
}

async function checkStore(cluster: SimulatedCluster, { path, planned, partition }: Checked): Promise<void> {
  const records = await readPartition(cluster.log, { topic: planned.changelog, partition });
  const end = (records.at(-1)?.offset ?? -1) + 1;
  let complete = 0;
  for (const disk of cluster.disks) {
    const database = await openIfSound(disk, path);
    const checkpoint = database?.getSync(checkpointKey);
    if (database !== undefined && checkpoint !== undefined && decodeCheckpoint(checkpoint).nextOffset >= end) {
      complete++;
      const isVisible = visibility(database, planned, streamTimeOf(records));
      compare(path, await entriesOf(database, isVisible), replayOf(records, isVisible));
    }
    await database?.close();
  }
  if (complete === 0) throw new InvariantError(`no machine has a complete copy of ${path} after a clean stop`);
}

async function openIfSound(disk: StateDisk, path: string): Promise<Database | undefined> {
  try {
    return await disk.open(path);
  } catch (error) {
    if (error instanceof MulgilError && error.code === "STATE_CORRUPTED") return undefined;
    throw error;
  }
}

type Records = readonly { readonly key: Buffer | null; readonly value: Buffer | null }[];

const streamTimeOf = (records: Records): number =>
  records.reduce(
    (highest, { key, value }) => (key!.equals(streamTimeKey) ? Math.max(highest, value!.readDoubleBE(0)) : highest),
    -Infinity,
  );

type IsVisible = (key: Buffer) => boolean;

/** Windows that start before a bound are invisible, whether or not the disk still has them. They may be only when they have closed. */
function visibility(database: Database, { name, retentionMs }: PlannedStore, streamTimeMs: number): IsVisible {
  const expiryMs = database.getSync(expiryKey)?.readDoubleBE(0);
  if (expiryMs === undefined) return () => true;
  return (key) => {
    const startMs = readOrderedInteger(key, 1);
    if (startMs < expiryMs && startMs + retentionMs! > streamTimeMs)
      throw new InvariantError(`"${name}" has dropped the window of ${startMs} at stream time ${streamTimeMs}`);
    return startMs >= expiryMs;
  };
}

async function entriesOf(database: Database, isVisible: IsVisible): Promise<Map<string, string>> {
  const entries = new Map<string, string>();
  for await (const [key, value] of database.iterate(dataRange))
    if (isVisible(key)) entries.set(key.toString("hex"), value.toString("hex"));
  return entries;
}

function replayOf(records: Records, isVisible: IsVisible): Map<string, string> {
  const replay = new Map<string, string>();
  for (const { key, value } of records) {
    if (key![0] !== dataPrefix || !isVisible(key!)) continue;
    if (value === null) replay.delete(key!.toString("hex"));
    else replay.set(key!.toString("hex"), value.toString("hex"));
  }
  return replay;
}

function compare(path: string, entries: ReadonlyMap<string, string>, replay: ReadonlyMap<string, string>): void {
  if (entries.size !== replay.size)
    throw new InvariantError(`${path} has ${entries.size} entries, its changelog makes ${replay.size}`);
  for (const [key, value] of replay)
    if (entries.get(key) !== value) throw new InvariantError(`${path} differs from its changelog at ${key}`);
}
