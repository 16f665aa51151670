import { memoryDisk } from "../../state/memory-disk.ts";
import type { Store } from "../../state/store.ts";
import { openPlannedStore } from "../operators/open-store.ts";
import type { PlannedStore, SubTopology } from "../plan/plan.ts";
import type { JobRuntime } from "../worker/job-runtime.ts";
import { Task, type TaskEnvironment } from "../worker/task.ts";
import { taskId } from "../worker/task-id.ts";
import type { LoopbackLog } from "./loopback-log.ts";

/** Partition 0 of a sub-topology, fed from a LoopbackLog and committing to it. */
export class DrivenTask {
  readonly task: Task;
  readonly stores: ReadonlyMap<string, { readonly planned: PlannedStore; readonly store: Store }>;
  readonly #log: LoopbackLog;
  readonly #sources: readonly string[];
  readonly #fedUpTo = new Map<string, number>();

  private constructor(task: Task, sources: readonly string[], stores: DrivenTask["stores"], log: LoopbackLog) {
    this.task = task;
    this.stores = stores;
    this.#sources = sources;
    this.#log = log;
  }

  static async open(options: {
    readonly runtime: JobRuntime;
    readonly subTopology: SubTopology;
    readonly environment: TaskEnvironment;
    readonly log: LoopbackLog;
  }): Promise<DrivenTask> {
    const { runtime, subTopology, environment, log } = options;
    const id = taskId(subTopology.name, 0);
    const disk = memoryDisk();
    const stores = await Promise.all(
      subTopology.stores.map(async (planned) => {
        const database = await disk.open(`${runtime.job.name}/${id}/${planned.name}`);
        const store = await openPlannedStore({
          planned,
          node: runtime.nodes.get(planned.node)!,
          database,
          keyCodec: runtime.keyCodecs.get(planned.node)!,
        });
        await store.restore([], { nextOffset: 0, incarnation: "test", writtenAtMs: environment.clock.now() });
        await store.finishRestore();
        return { planned, store };
      }),
    );
    const task = new Task({
      id,
      runtime,
      environment,
      subTopology,
      partition: 0,
      stores: stores.map(({ planned, store }) => ({
        store,
        changelog: { topic: planned.changelog, partition: 0 },
        incarnation: "test",
      })),
      path: {
        delivery: "at-least-once",
        log: { produce: async (batches) => batches.map((batch) => log.append(batch)) },
        commitOffsets: async () => undefined,
      },
      positions: subTopology.sources.map((topic) => ({
        ...{ topic, partition: 0, offset: 0 },
        ...{ incarnation: "test", isCommitted: true },
      })),
      commitSequence: 0,
    });
    return new DrivenTask(task, subTopology.sources, new Map(stores.map((entry) => [entry.planned.name, entry])), log);
  }

  /** Processes what has come in since the last time. @returns whether there was anything */
  async advance(): Promise<boolean> {
    let fed = false;
    for (const topic of this.#sources) {
      const from = this.#fedUpTo.get(topic) ?? 0;
      const records = this.#log.from(topic, from);
      if (records.length === 0) continue;
      const endOffset = this.#log.endOffset(topic);
      await this.task.accept({ topic, partition: 0, records, nextOffset: endOffset, endOffset });
      this.#fedUpTo.set(topic, endOffset);
      fed = true;
    }
    await this.task.settled();
    while ((await this.task.process(1_000)) > 0);
    this.#throwIfFailed();
    return fed;
  }

  async advanceWallClock(): Promise<void> {
    await this.task.advanceWallClock();
    this.#throwIfFailed();
  }

  async commit(): Promise<void> {
    await this.task.beginCommit();
    await this.task.settled();
    this.#throwIfFailed();
  }

  #throwIfFailed(): void {
    if (this.task.failure !== undefined) throw this.task.failure;
  }
}
