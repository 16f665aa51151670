import { InvariantError } from "mulgil";
import { readPartition } from "../../runtime/log/read-partition.ts";
import type { SimulatedCluster } from "../../runtime/testing/simulation/simulated-cluster.ts";
import { tasksOf } from "../../runtime/worker/task-assignor.ts";
import { taskId } from "../../runtime/worker/task-id.ts";
import { decodeCheckpoint } from "../../state/checkpoint.ts";
import { checkpointKey, dataPrefix, dataRange } from "../../state/key-layout.ts";

/** After a clean stop: the entries of every store equal the replay of its changelog, on every machine whose copy claims to be complete; one does. */
export async function checkStores(cluster: SimulatedCluster): Promise<void> {
  const { plan, partitionCounts, job } = cluster.runtime;
  const tasks = new Set(tasksOf(plan, partitionCounts).map(({ id }) => id));
  for (const { name, stores, sources } of plan.subTopologies) {
    const partitions = Math.max(...sources.map((topic) => partitionCounts.get(topic)!));
    for (const { name: store, changelog } of stores) {
      for (let partition = 0; partition < partitions; partition++) {
        const task = taskId(name, partition);
        if (!tasks.has(task)) throw new InvariantError(`task ${task} is not in the plan`);
        await checkStore(cluster, { path: `${job.name}/${task}/${store}`, topic: changelog, partition });
      }
    }
  }
}

async function checkStore(
  cluster: SimulatedCluster,
  of: { readonly path: string; readonly topic: string; readonly partition: number },
): Promise<void> {
  const records = await readPartition(cluster.log, of);
  const replay = new Map<string, string>();
  for (const { key, value } of records) {
    if (key![0] !== dataPrefix) continue;
    if (value === null) replay.delete(key!.toString("hex"));
    else replay.set(key!.toString("hex"), value.toString("hex"));
  }
  const end = (records.at(-1)?.offset ?? -1) + 1;
  let complete = 0;
  for (const disk of cluster.disks) {
    const database = await disk.open(of.path);
    const checkpoint = database.getSync(checkpointKey);
    if (checkpoint !== undefined && decodeCheckpoint(checkpoint).nextOffset >= end) {
      complete++;
      const entries = new Map<string, string>();
      for await (const [key, value] of database.iterate(dataRange))
        entries.set(key.toString("hex"), value.toString("hex"));
      if (entries.size !== replay.size)
        throw new InvariantError(`${of.path} has ${entries.size} entries, its changelog makes ${replay.size}`);
      for (const [key, value] of replay)
        if (entries.get(key) !== value) throw new InvariantError(`${of.path} differs from its changelog at ${key}`);
    }
    await database.close();
  }
  if (complete === 0) throw new InvariantError(`no machine has a complete copy of ${of.path} after a clean stop`);
}
