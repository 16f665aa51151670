import type { FetchedRecord, LogAccess } from "../log/port.ts";
import {
  CONTROL,
  type ControlReport,
  decodeControlKey,
  decodeControlReport,
  type OrderAnswer,
} from "../worker/control-records.ts";
import { TopicFollower } from "../worker/topic-follower.ts";
import type { Addressee } from "./addressees.ts";

/** How far somebody is with an order. "gone": it has ended in good order, so there is nothing left to carry out. */
export type OrderProgress =
  | { readonly status: "waiting"; readonly report: ControlReport | undefined }
  | { readonly status: "answered"; readonly answer: OrderAnswer }
  | { readonly status: "gone" };

/** Hears what processes answer to orders for one job. */
export class OrderWatch {
  readonly #job: string;
  readonly #follower: TopicFollower;
  /** null: it has said goodbye. */
  readonly #reports = new Map<string, ControlReport | null>();
  /** Also of members that have left since. */
  readonly #processes = new Map<string, string>();
  #isCurrent = false;

  constructor(log: LogAccess, job: string) {
    this.#job = job;
    this.#follower = new TopicFollower(log, CONTROL.topic);
  }

  /** Waits so long for news, if there is none. The first time it hears all that was ever said. */
  async hear(waitMaxMs: number): Promise<void> {
    const records = this.#isCurrent ? await this.#follower.read(waitMaxMs) : await this.#follower.readToEnd();
    this.#isCurrent = true;
    for (const record of records) this.#take(record);
  }

  progressOf({ process, memberIds }: Addressee, id: string): OrderProgress {
    const name = process ?? memberIds.map((memberId) => this.#processes.get(memberId)).find((each) => each);
    const report = name === undefined ? undefined : this.#reports.get(name);
    if (report === null) return { status: "gone" };
    const answer = report?.answers.find((each) => each.id === id);
    return answer === undefined ? { status: "waiting", report } : { status: "answered", answer };
  }

  /** The latest that was heard of all that run the job. */
  get reports(): readonly ControlReport[] {
    return [...this.#reports.values()].flatMap((report) => report ?? []);
  }

  async close(): Promise<void> {
    await this.#follower.close();
  }

  #take({ key: bytes, value }: FetchedRecord): void {
    const key = decodeControlKey(bytes);
    if (key?.kind !== "process" || key.job !== this.#job) return;
    const report = value === null ? undefined : decodeControlReport(value);
    this.#reports.set(key.process, report ?? null);
    for (const { memberId } of report?.members ?? [])
      if (memberId !== undefined) this.#processes.set(memberId, key.process);
  }
}
