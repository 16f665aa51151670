import { MulgilError } from "../../schemas/mulgil-error.ts";
import { TaskMigratedError } from "../errors/errors.ts";
import { IndefiniteTransactionError } from "../log/log-errors.ts";
import type { GroupConsumer, TopicPartition } from "../log/port.ts";
import type { StepResources } from "./call-resources.ts";
import type { JobRuntime } from "./job-runtime.ts";
import { startTask } from "./start-task.ts";
import type { Task } from "./task.ts";
import type { TaskCopies } from "./task-copies.ts";
import { TaskFetching } from "./task-fetching.ts";
import { inputsOf, type RunningSlot, type Slot, type TaskDefinition } from "./task-slot.ts";
import type { WorkerEnvironment } from "./worker-environment.ts";

export interface TaskSlotsOptions {
  readonly runtime: JobRuntime;
  readonly environment: WorkerEnvironment;
  readonly copies: TaskCopies;
  /** By step: what its tasks share for the calls of the job. */
  readonly calls: ReadonlyMap<string, StepResources>;
  /** Undefined while the worker is in no group. */
  readonly consumer: () => GroupConsumer | undefined;
  /** Whose the tasks are is being decided: nothing is fetched for them. */
  readonly isRebalancing: () => boolean;
  /** The job is paused: nothing is fetched for them either. */
  readonly isHeld: () => boolean;
  /** A task is another member's already: the worker has to join anew. */
  readonly onMigrated: () => void;
  /** A task has failed in a way that starting it again cannot mend. */
  readonly onFatal: (error: unknown) => void;
}

/** Why a task is started once more. */
interface Restart {
  /** Its state could not be read. */
  readonly isStateSuspect?: boolean;
  /** Topics that were made again while it ran, and how far it was. */
  readonly replaced?: ReadonlyMap<string, number>;
}

/** What starting a task again can mend: its state is rebuilt, the brokers come back, or a restore begins where the changelog does now. */
const RESTARTABLE_CODES: ReadonlySet<string> = new Set([
  "STATE_CORRUPTED",
  "LOG_UNREACHABLE",
  "RESTORE_OVERTAKEN",
  "STATE_LOCKED",
]);
const RESTART_DELAY_MS = 100;

/** The tasks that a worker has: they start beside its loop, are given up when the group says so, and start again when they fail. */
export class TaskSlots {
  readonly #options: TaskSlotsOptions;
  readonly #slots = new Map<string, Slot>();
  #closing: Promise<unknown>[] = [];

  constructor(options: TaskSlotsOptions) {
    this.#options = options;
  }

  get ids(): ReadonlySet<string> {
    return new Set(this.#slots.keys());
  }

  /** Whatever their status. */
  get all(): readonly Slot[] {
    return [...this.#slots.values()];
  }

  /** As they are when each is asked for: others may start or end meanwhile. */
  *running(): Iterable<RunningSlot> {
    for (const slot of this.#slots.values()) if (slot.status === "running") yield slot;
  }

  /** The one that has this input. */
  reading(input: TopicPartition): Slot | undefined {
    return this.all.find(({ inputs }) => inputs.some((own) => isSame(own, input)));
  }

  /** Gives up all but these; also those that are to read other inputs from now on, which are taken anew. */
  dropOthers(wanted: ReadonlyMap<string, TaskDefinition>): Promise<unknown> {
    const isKept = (slot: Slot) => {
      const definition = wanted.get(slot.id);
      return definition !== undefined && haveSameInputs(definition, slot);
    };
    return Promise.all(this.all.filter((slot) => !isKept(slot)).map((slot) => this.#drop(slot)));
  }

  /** Starts those that are not here yet; the others go on. */
  take(wanted: ReadonlyMap<string, TaskDefinition>): void {
    for (const [id, definition] of wanted) {
      const slot = this.#slots.get(id);
      if (slot === undefined) this.#start(definition);
      else if (slot.status === "running") slot.fetching.position(this.#options.consumer()!, this.#options.isHeld());
    }
  }

  /** Gives up all, without waiting for it: `close` does. */
  lose(): void {
    for (const slot of this.all) this.#closing.push(this.#drop(slot).catch(() => undefined));
  }

  /** Gives up all; also waits for those that were given up before. */
  close(): Promise<unknown> {
    return Promise.allSettled([...this.all.map((slot) => this.#drop(slot)), ...this.#closing.splice(0)]);
  }

  /** What was fetched before a position was refused is processed and committed first. */
  restartRefused(): void {
    for (const slot of [...this.running()]) {
      const { task, fetching } = slot;
      if (!fetching.isRefused || !task.isIdleUntilDue) continue;
      const { replaced } = fetching;
      this.#giveUp(slot);
      this.#start(slot, { replaced });
    }
  }

  /** Tasks whose commit failed are dropped, and started again from the log where that can help. */
  dropFailed(): void {
    for (const slot of this.running()) {
      const { failure } = slot.task;
      if (failure === undefined) continue;
      this.#slots.delete(slot.id);
      // Until the task is back with its own position, nothing must be fetched from the one that it had reached.
      if (!this.#options.isRebalancing()) this.#options.consumer()?.pause(slot.inputs);
      this.#giveUp(slot);
      this.#recover(slot, failure);
    }
  }

  #giveUp({ abort, task }: RunningSlot): void {
    abort.abort();
    this.#closing.push(task.close().catch(() => undefined));
  }

  async #drop(slot: Slot): Promise<void> {
    const { environment, runtime } = this.#options;
    this.#slots.delete(slot.id);
    slot.abort.abort();
    if (slot.status === "starting") await slot.started;
    else await slot.task.close();
    environment.onEvent({ kind: "closed", job: runtime.job.name, task: slot.id });
  }

  #start({ id, subTopology, partition, replays }: TaskDefinition, restart?: Restart): void {
    const definition = { id, subTopology, partition, replays };
    const abort = new AbortController();
    const started = this.#startInBackground(definition, abort, restart);
    const inputs = inputsOf(definition);
    this.#slots.set(id, { ...definition, status: "starting", inputs, started, abort });
  }

  /** Never rejects: what goes wrong ends in a restart, a rejoin, or the end of the worker. */
  async #startInBackground(definition: TaskDefinition, abort: AbortController, restart?: Restart): Promise<void> {
    const { id, subTopology, partition, replays } = definition;
    const { environment, runtime, copies, calls } = this.#options;
    const isCurrent = () => {
      const slot = this.#slots.get(id);
      return slot?.status === "starting" && slot.abort === abort;
    };
    try {
      if (restart !== undefined) await environment.clock.sleep(RESTART_DELAY_MS, abort.signal);
      // The slot is set once the caller has this promise.
      await Promise.resolve();
      await copies.release(id);
      copies.noteOnDisk(id);
      const task = await startTask({
        ...{ runtime, environment, subTopology, partition, replays, calls },
        consumer: this.#consumerForCommits(abort.signal),
        signal: abort.signal,
        isStateSuspect: restart?.isStateSuspect ?? false,
        replaced: restart?.replaced ?? new Map(),
      });
      if (!isCurrent()) return await task.close();
      this.#run(definition, task, abort);
    } catch (error) {
      if (!isCurrent()) return;
      this.#slots.delete(id);
      this.#recover(definition, error);
    }
  }

  #run(definition: TaskDefinition, task: Task, abort: AbortController): void {
    const { environment, runtime, consumer, isRebalancing, isHeld } = this.#options;
    const fetching = new TaskFetching(task);
    this.#slots.set(task.id, { ...definition, status: "running", inputs: task.inputs, abort, task, fetching });
    // Otherwise the next assignment does, if it leaves the task here.
    if (!isRebalancing()) fetching.position(consumer()!, isHeld());
    environment.onEvent({ kind: "running", job: runtime.job.name, task: task.id });
  }

  /** The consumer checks that the member is in the group; only the worker knows whether the task is still the member's. */
  #consumerForCommits(givenUp: AbortSignal): Pick<GroupConsumer, "commit"> {
    return {
      commit: async (offsets) => {
        const consumer = this.#options.consumer();
        if (!givenUp.aborted && consumer !== undefined) return await consumer.commit(offsets);
        throw new TaskMigratedError("the task has been given up: its offsets are its next owner's", {
          code: "LOG_FENCED",
        });
      },
    };
  }

  #recover(definition: TaskDefinition, error: unknown): void {
    const { environment, runtime, onMigrated, onFatal } = this.#options;
    if (error instanceof TaskMigratedError) onMigrated();
    else if (
      error instanceof IndefiniteTransactionError ||
      (error instanceof MulgilError && RESTARTABLE_CODES.has(error.code))
    ) {
      const isStateSuspect = error instanceof MulgilError && error.code === "STATE_CORRUPTED";
      environment.onEvent({ kind: "restarting", job: runtime.job.name, task: definition.id, error });
      this.#start(definition, { isStateSuspect });
    } else onFatal(error);
  }
}

const haveSameInputs = (left: TaskDefinition, right: TaskDefinition): boolean =>
  left.replays.length === right.replays.length && left.replays.every((topic) => right.replays.includes(topic));

const isSame = (left: TopicPartition, right: TopicPartition): boolean =>
  left.topic === right.topic && left.partition === right.partition;
