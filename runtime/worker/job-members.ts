import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { Clock } from "../time/clock.ts";
import type { JobRuntime } from "./job-runtime.ts";
import type { Worker } from "./worker.ts";
import type { WantedStatus } from "./worker-orders.ts";

export interface JobMembersOptions {
  readonly runtimes: readonly JobRuntime[];
  readonly clock: Clock;
  /** How long a member that is to go may take. */
  readonly drainTimeoutMs: number;
  readonly create: (runtime: JobRuntime, id: string) => Worker;
}

interface Wanted {
  readonly status: WantedStatus;
  readonly drainTimeoutMs: number;
}

/** How long closing stores without a last commit may take. */
const ABANDON_TIMEOUT_MS = 2_000;

/** The members of jobs' groups in one process: they come and go one by one. When one dies all are stopped. */
export class JobMembers {
  /** Resolves when all have been stopped and have ended; rejects with the error of the first that died. */
  readonly finished: Promise<void>;
  readonly #options: JobMembersOptions;
  /** When all are stopped they stay here, to be told of. */
  #workers: readonly Worker[] = [];
  readonly #running = new Map<Worker, Promise<void>>();
  readonly #wanted = new Map<string, Wanted>();
  readonly #finish = Promise.withResolvers<void>();
  #failure: { readonly error: unknown } | undefined;
  #isStopping = false;

  constructor(options: JobMembersOptions) {
    this.#options = options;
    this.finished = this.#finish.promise;
    // Whoever awaits it gets the error; that nobody does must not end the process.
    this.finished.catch(() => undefined);
  }

  get all(): readonly Worker[] {
    return this.#workers;
  }

  of(job: string): readonly Worker[] {
    return this.all.filter((worker) => worker.job === job);
  }

  /** What holds for a job's members, and for those that are added later. */
  want(job: string, status: WantedStatus, drainTimeoutMs: number): void {
    this.#wanted.set(job, { status, drainTimeoutMs });
    for (const worker of this.of(job)) worker.want(status, drainTimeoutMs);
  }

  /** Adds members until each job has so many. */
  fill(workers: number): void {
    for (const runtime of this.#options.runtimes) this.#fillJob(runtime, workers);
  }

  /**
   * Adds members to a job, or has some leave in good order. Resolves when these have left; new ones join meanwhile.
   * @throws {MulgilError} DRAIN_TIMEOUT if one could not finish in time; it is gone then, too
   */
  async scale(job: string, workers: number): Promise<void> {
    const runtime = this.#options.runtimes.find((each) => each.job.name === job);
    if (runtime === undefined || this.#isStopping) return;
    this.#fillJob(runtime, workers);
    const surplus = this.of(job).slice(workers);
    if (!(await this.#end(surplus))) throw notDrained(`a member of job "${job}"`);
  }

  /** @throws {MulgilError} DRAIN_TIMEOUT */
  async stop(): Promise<void> {
    this.#isStopping = true;
    if (await this.#end(this.all)) return await this.finished;
    throw notDrained("the jobs");
  }

  #fillJob(runtime: JobRuntime, workers: number): void {
    const { name } = runtime.job;
    const ids = new Set(this.of(name).map(({ id }) => id));
    for (let index = 0; ids.size < workers; index++) {
      const id = `${name}-${index}`;
      if (ids.has(id)) continue;
      ids.add(id);
      this.#start(runtime, id);
    }
  }

  #start(runtime: JobRuntime, id: string): void {
    const worker = this.#options.create(runtime, id);
    const wanted = this.#wanted.get(worker.job);
    if (wanted !== undefined) worker.want(wanted.status, wanted.drainTimeoutMs);
    const run = worker.run().catch((error: unknown) => {
      this.#failure ??= { error };
      this.#isStopping = true;
      for (const each of this.all) each.stop();
    });
    this.#workers = [...this.#workers, worker];
    this.#running.set(
      worker,
      run.then(() => this.#ended(worker)),
    );
  }

  #ended(worker: Worker): void {
    this.#running.delete(worker);
    if (!this.#isStopping) this.#workers = this.#workers.filter((each) => each !== worker);
    if (this.#running.size > 0) return;
    if (this.#failure === undefined) this.#finish.resolve();
    else this.#finish.reject(this.#failure.error);
  }

  /** @returns whether they have ended in time; otherwise they are gone, too, without their last commit */
  async #end(workers: readonly Worker[]): Promise<boolean> {
    const { clock, drainTimeoutMs } = this.#options;
    const runs = workers.map((worker) => this.#running.get(worker));
    for (const worker of workers) worker.stop();
    if (await endsWithin(clock, drainTimeoutMs, runs)) return true;
    for (const worker of workers) worker.abandon();
    await endsWithin(clock, ABANDON_TIMEOUT_MS, runs);
    return false;
  }
}

/** @returns whether all of them end, one way or another, in this time */
async function endsWithin(clock: Clock, ms: number, works: readonly unknown[]): Promise<boolean> {
  const bound = new AbortController();
  const late = clock.sleep(ms, bound.signal).then(() => false);
  const ended = Promise.allSettled(works).then(() => true);
  const inTime = await Promise.race([ended, late]);
  bound.abort();
  return inTime;
}

const notDrained = (who: string): MulgilError =>
  new MulgilError(
    `${who} could not drain in time: a last commit, or a function of a job, was still under way; what no commit covers is repeated at the next start, nothing is lost. Give a longer drain time-out`,
    { code: "DRAIN_TIMEOUT" },
  );
