import type { FetchedRecord, LogAccess, ProducerRecord } from "../log/port.ts";
import { circuitsTopicOf } from "../plan/internal-topics.ts";
import type { News, ResourceReport } from "../resilience/resource-report.ts";
import type { Resources } from "../resilience/resources.ts";
import type { Clock } from "../time/clock.ts";
import {
  decodeCircuitKey,
  decodeOverride,
  decodeReport,
  decodeWaitingOrder,
  encodeCircuitKey,
} from "./circuit-records.ts";
import type { JobEvent } from "./job-event.ts";
import { OwnReports } from "./own-reports.ts";
import { SilentReports } from "./silent-reports.ts";
import { TopicFollower } from "./topic-follower.ts";

export interface CircuitSharingOptions {
  readonly job: string;
  /** The id under which its reports lie; that of its `Resources`. */
  readonly worker: string;
  readonly log: LogAccess;
  readonly clock: Clock;
  /** Of the job's call steps. */
  readonly resources: readonly Resources[];
  readonly onEvent: (event: JobEvent) => void;
}

const SHARE_EVERY_MS = 1_000;
/** While the log does not answer it is asked less and less often. */
const RETRY_MAX_MS = 30_000;

/**
 * Shares what one worker knows of the institutions with the job's other workers, over `<job>.circuits`, and obeys what people order there. All of it goes on
 * beside the worker's loop, outside of any transaction: without the log each worker goes on by what it knows.
 */
export class CircuitSharing {
  readonly #options: CircuitSharingOptions;
  readonly #topic: string;
  readonly #reader: TopicFollower;
  readonly #steps: ReadonlyMap<string, Resources>;
  readonly #own = new OwnReports();
  readonly #silent = new SilentReports();
  #sharing: Promise<void> | undefined;
  #dueMs = 0;
  #failures = 0;
  #isClosed = false;

  constructor(options: CircuitSharingOptions) {
    this.#options = options;
    this.#topic = circuitsTopicOf(options.job);
    this.#reader = new TopicFollower(options.log, this.#topic);
    this.#steps = new Map(options.resources.map((resources) => [resources.step, resources]));
  }

  /** Reads all that is there: afterwards a circuit that others have open is open, and orders by hand are obeyed. Call it before the first call. */
  async start(): Promise<void> {
    this.#take(await this.#reader.readToEnd());
  }

  /**
   * Reads news and tells its own, if it is time: changes of circuits each second, counts each five. Whoever calls need not wait: it never rejects, and does
   * nothing while it is still at it.
   */
  tick(nowMs: number): Promise<void> {
    if (this.#isClosed || nowMs < this.#dueMs) return this.#sharing ?? Promise.resolve();
    this.#sharing ??= this.#share(nowMs)
      .then(
        () => this.#shared(nowMs),
        (error: unknown) => this.#failed(error),
      )
      .then(() => {
        this.#sharing = undefined;
      });
    return this.#sharing;
  }

  /** Takes back what it has told, except of circuits that are open: they stay so for whoever comes next. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#sharing;
    try {
      await this.#produce(this.#own.farewell(this.#snapshot(this.#options.clock.now())));
      await this.#reader.close();
    } catch (error) {
      // What is left expires.
      this.#tell(error);
    }
  }

  async #share(nowMs: number): Promise<void> {
    this.#take(await this.#reader.read());
    const reports = this.#snapshot(nowMs);
    const news = this.#own.news(reports, nowMs);
    const removed = this.#silent.due(nowMs, reports).map((key) => ({ key: encodeCircuitKey(key), value: null }));
    await this.#produce([...news.records, ...removed]);
    // Only what is written has been told.
    news.told();
  }

  #snapshot(nowMs: number): readonly ResourceReport[] {
    return this.#options.resources.flatMap((resources) => resources.snapshot(nowMs));
  }

  async #produce(records: readonly Pick<ProducerRecord, "key" | "value">[]): Promise<void> {
    if (records.length === 0) return;
    const timestampMs = this.#options.clock.now();
    const stamped = records.map((record) => ({ ...record, timestampMs }));
    await this.#options.log.produce([{ topic: this.#topic, partition: 0, records: stamped }]);
  }

  #take(records: readonly FetchedRecord[]): void {
    const found = records.flatMap((record) => this.#newsOf(record) ?? []);
    for (const [step, resources] of this.#steps)
      resources.apply(found.flatMap((each) => (each.step === step ? each.news : [])));
  }

  #newsOf({ key: bytes, value }: FetchedRecord): { readonly step: string; readonly news: News } | undefined {
    const key = decodeCircuitKey(bytes);
    if (key === undefined) return undefined;
    const { step } = key;
    if (key.kind === "waiting") {
      const order = value === null ? undefined : decodeWaitingOrder(value);
      return { step, news: { kind: "waiting", name: key.name, order } };
    }
    const { resource } = key;
    if (key.kind === "override")
      return {
        step,
        news: { kind: "override", resource, override: value === null ? undefined : decodeOverride(value) },
      };
    const report = value === null ? undefined : decodeReport(value);
    const isMine = key.worker === this.#options.worker;
    if (isMine && this.#own.has(key)) {
      // Somebody took it for gone.
      if (report === undefined) this.#own.tellAgain(key);
      this.#silent.heard(key, undefined);
      return undefined;
    }
    this.#silent.heard(key, report);
    return {
      step,
      news: report === undefined ? { kind: "gone", resource, worker: key.worker } : { kind: "report", report },
    };
  }

  #shared(nowMs: number): void {
    this.#failures = 0;
    this.#dueMs = nowMs + SHARE_EVERY_MS;
  }

  #failed(error: unknown): void {
    const waitMs = Math.min(RETRY_MAX_MS, SHARE_EVERY_MS * 2 ** this.#failures++);
    this.#dueMs = this.#options.clock.now() + waitMs;
    this.#tell(error);
  }

  #tell(error: unknown): void {
    const { job, worker } = this.#options;
    this.#options.onEvent({ kind: "circuitsUnshared", job, worker, error });
  }
}
