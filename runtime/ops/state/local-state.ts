import type { Digest } from "../../../schemas/masker.ts";
import { MulgilError } from "../../../schemas/mulgil-error.ts";
import { dataRange } from "../../../state/key-layout.ts";
import type { Checkpoint, CommittedEntries } from "../../../state/store.ts";
import { type EntryMask, type EntryMaskOptions, unmasked } from "../../operators/entry-mask.ts";
import { assertAskable, type EntryQuery, selectEntries } from "../../operators/entry-query.ts";
import { entryReader, type ShownEntry } from "../../operators/entry-reader.ts";
import type { StoreOfStep } from "../../operators/store-codecs.ts";
import type { PlannedStore, StoreKind } from "../../plan/plan.ts";
import type { CommittedStore } from "../../worker/commit.ts";
import type { HeldTask } from "../../worker/held-task.ts";
import type { JobRuntime } from "../../worker/job-runtime.ts";
import type { TaskStatus } from "../../worker/member-status.ts";
import type { WorkerEnvironment } from "../../worker/worker-environment.ts";
import { openCursor, sealCursor } from "./cursor.ts";
import { liveness, readPage } from "./page.ts";
import { type SchemaSource, storeMask } from "./store-mask.ts";

/** Which stores; all if nothing is said. */
export interface StoresRequest {
  readonly task?: string;
  readonly store?: string;
  /** Counts entries, which reads all of them. */
  readonly counts?: boolean;
}

/** A store of a task in this process. */
export interface StoreReport {
  readonly store: string;
  readonly kind: StoreKind;
  readonly task: string;
  readonly status: TaskStatus["status"];
  readonly changelog: string;
  /** The files of its directory. */
  readonly bytesOnDisk: number;
  /** Live ones, committed; absent unless they were to be counted, or while it does not run. */
  readonly entries?: number;
  /** Absent while it does not run. */
  readonly checkpoint?: Pick<Checkpoint, "nextOffset" | "writtenAtMs">;
}

export interface EntriesRequest extends EntryQuery {
  /** One task of those here; all if none is named. */
  readonly task?: string;
  /** @default 100 */
  readonly limit?: number;
  /** As an answer gave it: goes on behind that. Needs the task. */
  readonly after?: string;
}

export interface EntriesAnswer {
  readonly job: string;
  readonly store: string;
  readonly entries: readonly (ShownEntry & { readonly task: string })[];
  /** Tasks that were asked, each with where its next page begins, if it has one. */
  readonly tasks: readonly {
    readonly task: string;
    /** The changelog offset that the answer corresponds to. */
    readonly position: number;
    readonly after?: string;
  }[];
  /** Tasks here that cannot answer, and what they do instead. */
  readonly notReady: readonly Pick<HeldTask, "task" | "status">[];
}

const LIMIT = 100;
export const LIMIT_MAX = 1_000;

/**
 * The state of the tasks in this process, for whoever looks at it from outside: what their last commits have left on the disk, never what is between two
 * commits and could still be dropped. Reads beside the tasks: their caches and overlays are not touched.
 */
export class LocalState {
  readonly environment: Pick<WorkerEnvironment, "disk" | "clock" | "log">;
  readonly #tasks: () => readonly HeldTask[];
  readonly #schemas: SchemaSource;
  readonly #digest: Digest | undefined;

  constructor(options: {
    readonly environment: Pick<WorkerEnvironment, "disk" | "clock" | "log">;
    readonly tasks: () => readonly HeldTask[];
    /** Beside the definitions of the jobs: what of the state is personal. */
    readonly schemas: SchemaSource;
    /** For the rule "hash". @default such parts are masked */
    readonly digest?: Digest | undefined;
  }) {
    this.environment = options.environment;
    this.#tasks = options.tasks;
    this.#schemas = options.schemas;
    this.#digest = options.digest;
  }

  /** What of a store is shown to whom nothing is revealed. */
  maskOf(
    { plan }: JobRuntime,
    store: StoreOfStep,
    options: Pick<EntryMaskOptions, "isKeyKnown"> = {},
  ): Promise<EntryMask> {
    return storeMask({ plan, ...store }, this.#schemas, { digest: this.#digest, ...options });
  }

  tasksOf(job: string): readonly HeldTask[] {
    return this.#tasks().filter(({ runtime }) => runtime.job.name === job);
  }

  /** What a task has of a store, if it runs here. @throws {MulgilError} STATE_TASK_ABSENT, STATE_STORE_UNKNOWN */
  running(job: string, store: string, task: string): { readonly held: HeldTask; readonly found: CommittedStore } {
    const held = this.tasksOf(job).find((each) => each.task === task);
    if (held === undefined) throw absent(task, "is not here");
    if (!held.planned.some(({ name }) => name === store)) throw unknownStore(job, store, [held]);
    const found = held.stores.find((each) => each.store.name === store);
    if (found === undefined) throw absent(task, `is ${held.status}`);
    return { held, found };
  }

  /** The stores of a job's tasks here. */
  async stores(job: string, { counts = false, task, store }: StoresRequest = {}): Promise<readonly StoreReport[]> {
    const reports: StoreReport[] = [];
    for (const held of this.tasksOf(job))
      for (const planned of held.planned)
        if ((task ?? held.task) === held.task && (store ?? planned.name) === planned.name)
          reports.push(await this.#report(held, planned, counts));
    return reports;
  }

  async #report(held: HeldTask, { name, kind, changelog }: PlannedStore, counts: boolean): Promise<StoreReport> {
    const { task, status, runtime } = held;
    const open = held.stores.find(({ store }) => store.name === name)?.store;
    const { nextOffset, writtenAtMs } = open?.checkpoint ?? {};
    return {
      ...{ store: name, kind, task, status, changelog },
      bytesOnDisk: await this.environment.disk.sizeBytes(`${runtime.job.name}/${task}/${name}`),
      ...(open !== undefined && counts && { entries: await countEntries(open.committed, kind === "window") }),
      ...(nextOffset !== undefined && { checkpoint: { nextOffset, writtenAtMs: writtenAtMs! } }),
    };
  }

  /**
   * @param reveals shows what is personal, too: whoever sets it has written to the audit trail who looks at what, and why
   * @throws {MulgilError} STATE_STORE_UNKNOWN, STATE_KEY, STATE_QUERY
   */
  async entries(job: string, store: string, request: EntriesRequest, reveals = false): Promise<EntriesAnswer> {
    const all = this.tasksOf(job);
    const here = all.filter(({ planned }) => planned.some(({ name }) => name === store));
    if (here.length === 0 && all.length > 0) throw unknownStore(job, store, all);
    const wanted = request.task === undefined ? here : here.filter(({ task }) => task === request.task);
    const limit = Math.min(request.limit ?? LIMIT, LIMIT_MAX);
    const entries: EntriesAnswer["entries"][number][] = [];
    const tasks: EntriesAnswer["tasks"][number][] = [];
    for (const held of wanted) {
      const open = held.stores.find((each) => each.store.name === store)?.store;
      if (open?.checkpoint === undefined) continue;
      const of = storeOfStep(held.runtime, held.planned.find(({ name }) => name === store)!);
      const { nextOffset: position, incarnation } = open.checkpoint;
      const place = { incarnation, store, task: held.task };
      const mask = reveals ? unmasked : await this.maskOf(held.runtime, of, { isKeyKnown: request.key !== undefined });
      assertAskable(store, request, mask);
      const page = await unlessGone(
        readPage({
          ...{ committed: open.committed, isWindowed: of.planned.kind === "window" },
          selection: selectEntries(of, request),
          read: entryReader(of, mask),
          after: request.after === undefined ? undefined : openCursor(place, request.after),
          entriesMax: Math.max(1, limit - entries.length),
        }),
        () => !this.tasksOf(job).some((each) => each.stores.some(({ store: still }) => still === open)),
      );
      if (page === undefined) continue;
      entries.push(...page.entries.map((entry) => ({ task: held.task, ...entry })));
      tasks.push({ task: held.task, position, ...(page.next && { after: sealCursor(place, page.next) }) });
    }
    const notReady = wanted.flatMap(({ task, status }) =>
      tasks.some((each) => each.task === task) ? [] : [{ task, status }],
    );
    return { job, store, entries, tasks, notReady };
  }
}

/** A store with the step that owns it, of a job whose definition is here. */
export const storeOfStep = (runtime: JobRuntime, planned: PlannedStore): StoreOfStep => ({
  planned,
  node: runtime.nodes.get(planned.node)!,
  keyCodec: runtime.keyCodecs.get(planned.node)!,
});

/** Undefined if it failed because the task has left while it was read. */
async function unlessGone<T>(work: Promise<T>, isGone: () => boolean): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof MulgilError && error.code === "STATE_READ_FAILED" && isGone()) return undefined;
    throw error;
  }
}

async function countEntries(committed: CommittedEntries, isWindowed: boolean): Promise<number> {
  const isLive = liveness({ committed, isWindowed });
  let count = 0;
  for await (const [key] of committed.iterate(dataRange)) if (isLive(key)) count++;
  return count;
}

const absent = (task: string, what: string) =>
  new MulgilError(`task ${task} ${what}: ask again when its job has settled`, {
    code: "STATE_TASK_ABSENT",
    context: { task },
  });

const unknownStore = (job: string, store: string, held: readonly HeldTask[]) => {
  const names = [...new Set(held.flatMap(({ planned }) => planned.map(({ name }) => name)))];
  return new MulgilError(
    `job "${job}" has no store "${store}": there is ${names.length === 0 ? "none" : names.join(", ")}`,
    { code: "STATE_STORE_UNKNOWN", context: { job, store } },
  );
};
