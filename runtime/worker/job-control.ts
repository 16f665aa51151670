import type { FetchedRecord, LogAccess } from "../log/port.ts";
import type { Clock } from "../time/clock.ts";
import {
  CONTROL,
  type ControlReport,
  decodeControlKey,
  decodeRestart,
  decodeScale,
  decodeWanted,
  encodeControlKey,
  encodeControlValue,
  type OrderAnswer,
  type ScaleOrder,
  type Scaling,
} from "./control-records.ts";
import { ControlledJob } from "./controlled-job.ts";
import type { JobEvent } from "./job-event.ts";
import type { JobMembers } from "./job-members.ts";
import type { TopicsPolicy } from "./job-topics.ts";
import { TopicFollower } from "./topic-follower.ts";

/** Where a process has its number of workers from, if it is not its own business. */
export interface SupervisorLink {
  readonly pid: number;
  /** Hands an order on. Resolves with what came of it. */
  scale(order: ScaleOrder): Promise<OrderAnswer>;
}

export interface JobControlOptions {
  readonly log: LogAccess;
  readonly clock: Clock;
  /** Who it is among all processes. */
  readonly process: Pick<ControlReport, "process" | "host" | "pid">;
  readonly jobs: readonly string[];
  readonly members: JobMembers;
  readonly scaling: Scaling;
  readonly supervisor?: SupervisorLink;
  readonly topics: TopicsPolicy;
  readonly onEvent: (event: JobEvent) => void;
}

const LOOK_EVERY_MS = 500;
const LOOK_CLOSELY_MS = 100;
/** Where topics may not be made, somebody may make it later. */
const MISSING_LOOK_MS = 10_000;
const RETRY_MAX_MS = 30_000;
/** A process whose job is drained is in no group: it says that it is there. */
const ALIVE_EVERY_MS = 10_000;
/** How long an end waits for the log, to say goodbye. */
const CLOSE_MAX_MS = 5_000;

/**
 * Follows the orders for the jobs of one process, over `mulgil.control`, hands them to the members and says what came of them. All of it goes on beside the
 * workers' loops, outside of any transaction: without the log everything stays as it is.
 */
export class JobControl {
  readonly #options: JobControlOptions;
  readonly #jobs: ReadonlyMap<string, ControlledJob>;
  readonly #over = new AbortController();
  #follower: TopicFollower | undefined;
  /** Orders for once that lie before were given to others. */
  #sinceOffset: number | undefined;
  #nextOffset = 0;
  #running: Promise<void> = Promise.resolve();
  /** One order after the other. */
  #scaling: Promise<unknown> = Promise.resolve();
  #told = "";
  #toldMs = 0;
  #failures = 0;

  constructor(options: JobControlOptions) {
    this.#options = options;
    this.#jobs = new Map(options.jobs.map((job) => [job, new ControlledJob(job, options.members)]));
  }

  /** Reads what is wanted of the jobs, before their members join, and follows from then on. Never rejects. */
  async start(): Promise<void> {
    await this.#attempt(() => this.#readAll());
    this.#running = this.#run();
  }

  /** Says that the process is over. Never rejects; does not wait long for a log that is away. */
  async close(): Promise<void> {
    this.#over.abort();
    const bound = new AbortController();
    const farewell = this.#running.then(() => this.#sayGoodbye()).catch(() => undefined);
    await Promise.race([farewell, this.#options.clock.sleep(CLOSE_MAX_MS, bound.signal)]);
    bound.abort();
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#over.signal.aborted) {
      await this.#attempt(() => this.#turn());
      await clock.sleep(this.#pauseMs(), this.#over.signal);
    }
  }

  #pauseMs(): number {
    if (this.#failures > 0) return Math.min(RETRY_MAX_MS, LOOK_EVERY_MS * 2 ** this.#failures);
    if (this.#follower === undefined) return MISSING_LOOK_MS;
    return [...this.#jobs.values()].some(({ answers }) => answers.isAwaiting) ? LOOK_CLOSELY_MS : LOOK_EVERY_MS;
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#failures = 0;
    } catch (error) {
      if (this.#over.signal.aborted || this.#failures++ > 0) return;
      for (const job of this.#jobs.keys()) this.#options.onEvent({ kind: "ordersUnread", job, error });
    }
  }

  async #readAll(): Promise<void> {
    if (!(await this.#isThere())) return;
    const follower = new TopicFollower(this.#options.log, CONTROL.topic);
    const records = await follower.readToEnd().catch(async (error: unknown) => {
      await follower.close().catch(() => undefined);
      throw error;
    });
    this.#follower = follower;
    this.#sinceOffset ??= (records.at(-1)?.offset ?? -1) + 1;
    this.#take(records);
  }

  /** A topic that was deleted and made again counts from zero; what is there is new. */
  async #beginAnewIfReplaced(): Promise<void> {
    const where = [{ topic: CONTROL.topic, partition: 0 }];
    const [end] = await this.#options.log.listOffsets(where, "latest", "read_uncommitted");
    if (end!.offset >= this.#nextOffset) return;
    this.#nextOffset = 0;
    this.#sinceOffset = 0;
  }

  async #isThere(): Promise<boolean> {
    const { log, topics } = this.#options;
    if ((await log.describeTopics()).some(({ topic }) => topic === CONTROL.topic)) return true;
    if (topics === "verify") {
      // What comes when somebody has made it is new.
      this.#sinceOffset ??= 0;
      return false;
    }
    await log.ensureTopics([CONTROL]);
    return true;
  }

  async #turn(): Promise<void> {
    if (this.#failures > 0 && this.#follower !== undefined) await this.#beginAnewIfReplaced();
    if (this.#follower === undefined) await this.#readAll();
    else this.#take(await this.#follower.read());
    for (const { answers } of this.#jobs.values()) answers.look();
    if (this.#follower !== undefined) await this.#tell();
  }

  #take(records: readonly FetchedRecord[]): void {
    for (const record of records) {
      // A reader that had to begin anew shows old orders again, before those that have replaced them.
      if (record.offset < this.#nextOffset) continue;
      this.#nextOffset = record.offset + 1;
      if (record.value !== null) this.#obey(record, record.value, record.offset >= (this.#sinceOffset ?? Infinity));
    }
  }

  #obey({ key: bytes }: FetchedRecord, value: Buffer, isForUs: boolean): void {
    const key = decodeControlKey(bytes);
    if (key?.kind === "wanted") this.#want(key.job, value);
    if (key?.kind === "restart" && isForUs) {
      const order = decodeRestart(value);
      if (order !== undefined) this.#jobs.get(key.job)?.restart(order);
    }
    if (key?.kind === "scale" && isForUs && key.host === this.#options.process.host) {
      const order = decodeScale(value);
      if (order !== undefined) this.#scale(order);
    }
  }

  #want(name: string, value: Buffer): void {
    const wanted = decodeWanted(value);
    const job = this.#jobs.get(name);
    if (wanted === undefined || job === undefined) return;
    const was = job.wanted?.status ?? "running";
    if (!job.want(wanted) || wanted.status === was) return;
    const { status, by, why } = wanted;
    this.#options.onEvent({ kind: "ordered", job: name, status, by, why });
  }

  #scale(order: ScaleOrder): void {
    const { scaling, supervisor, members } = this.#options;
    const jobs = [...this.#jobs.values()].filter(({ name }) => order.job === undefined || order.job === name);
    for (const job of jobs) {
      if (supervisor !== undefined) job.scale(order, () => supervisor.scale(order));
      else if (scaling === "members") job.scale(order, () => this.#scaleMembers(members, job.name, order.workers));
      else job.answers.give({ id: order.id, outcome: "failed", detail: "the process is under no supervisor" });
    }
  }

  async #scaleMembers(members: JobMembers, job: string, workers: number): Promise<Omit<OrderAnswer, "id">> {
    const done = this.#scaling.then(() => members.scale(job, workers));
    this.#scaling = done.catch(() => undefined);
    await done;
    return { outcome: "done" };
  }

  async #tell(): Promise<void> {
    const nowMs = this.#options.clock.now();
    const reports = [...this.#jobs.values()].map((job) => this.#reportOf(job, nowMs));
    const told = JSON.stringify(reports.map((report) => ({ ...report, atMs: 0 })));
    const isSilentMember = reports.some(({ members }) => members.some(({ activity }) => activity === "drained"));
    if (told === this.#told && !(isSilentMember && nowMs >= this.#toldMs + ALIVE_EVERY_MS)) return;
    await this.#produce((job) => encodeControlValue(reports.find((report) => report.job === job)!));
    // Only what is written has been told.
    this.#told = told;
    this.#toldMs = nowMs;
  }

  #reportOf({ name, reported, answers }: ControlledJob, atMs: number): ControlReport {
    const { process, scaling, supervisor } = this.#options;
    return {
      ...{ ...process, job: name, scaling, members: reported, answers: answers.given, atMs },
      ...(supervisor !== undefined && { supervisor: supervisor.pid }),
    };
  }

  async #sayGoodbye(): Promise<void> {
    if (this.#told !== "") await this.#produce(() => null);
    await this.#follower?.close();
  }

  async #produce(said: (job: string) => Buffer | null): Promise<void> {
    const { log, clock, process } = this.#options;
    const timestampMs = clock.now();
    const records = [...this.#jobs.keys()].map((job) => ({
      key: encodeControlKey({ kind: "process", process: process.process, job }),
      value: said(job),
      timestampMs,
    }));
    await log.produce([{ topic: CONTROL.topic, partition: 0, records }]);
  }
}
