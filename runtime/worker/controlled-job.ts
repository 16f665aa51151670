import type { OrderAnswer, ReportedMember, RestartOrder, ScaleOrder, WantedState } from "./control-records.ts";
import type { JobMembers } from "./job-members.ts";
import { OrderAnswers } from "./order-answers.ts";
import type { Worker } from "./worker.ts";

const INCOMPLETE =
  "not everything that had begun was committed in time; what no commit covers is processed once more, nothing is lost";

/** One job of a process as orders see it: hands them to its members, and knows when these have done them. */
export class ControlledJob {
  readonly name: string;
  readonly answers = new OrderAnswers();
  readonly #members: JobMembers;
  #wanted: WantedState | undefined;

  constructor(name: string, members: JobMembers) {
    this.name = name;
    this.#members = members;
  }

  /** Undefined: nobody has ever wanted anything. */
  get wanted(): WantedState | undefined {
    return this.#wanted;
  }

  get reported(): readonly ReportedMember[] {
    return this.#members.of(this.name).map(({ id, status: { memberId, activity } }) => ({
      ...{ worker: id, activity },
      ...(memberId !== undefined && { memberId }),
    }));
  }

  /** @returns whether that is news */
  want(wanted: WantedState): boolean {
    if (wanted.id === this.#wanted?.id) return false;
    this.#wanted = wanted;
    this.answers.supersede();
    this.#members.want(this.name, wanted.status, wanted.drainTimeoutMs);
    this.answers.await(wanted.id, () => {
      const workers = this.#members.of(this.name);
      if (!workers.every((worker) => isAs(worker, wanted.status))) return undefined;
      const isCutShort = wanted.status === "drained" && workers.some(({ departures }) => !departures.isComplete);
      return { id: wanted.id, outcome: "done", ...(isCutShort && { detail: INCOMPLETE }) };
    });
    return true;
  }

  restart({ id, memberIds, drainTimeoutMs }: RestartOrder): void {
    const named = new Set(memberIds);
    const workers = this.#members.of(this.name).filter(({ status: { memberId } }) => named.has(memberId ?? ""));
    if (workers.length === 0 || this.answers.knows(id)) return;
    if (this.#wanted?.status === "drained") {
      this.answers.give({ id, outcome: "failed", detail: "the job is drained: resume it instead" });
      return;
    }
    const before = workers.map((worker) => ({ worker, count: worker.departures.count }));
    for (const worker of workers) worker.restart(drainTimeoutMs);
    this.answers.await(id, () => {
      if (!before.every(({ worker, count }) => worker.departures.count > count && isBack(worker))) return undefined;
      const isCutShort = workers.some(({ departures }) => !departures.isComplete);
      return { id, outcome: "done", ...(isCutShort && { detail: INCOMPLETE }) };
    });
  }

  /** By those who can: `scale` does it. */
  scale(order: ScaleOrder, scale: () => Promise<Omit<OrderAnswer, "id">>): void {
    if (this.answers.knows(order.id)) return;
    let answer: OrderAnswer | undefined;
    this.answers.await(order.id, () => answer, true);
    scale().then(
      (outcome) => {
        answer = { ...outcome, id: order.id };
      },
      (error: unknown) => {
        answer = { id: order.id, outcome: "failed", detail: error instanceof Error ? error.message : String(error) };
      },
    );
  }
}

const isAs = ({ activity, standing }: Worker, status: WantedState["status"]): boolean =>
  activity === status && (status === "drained" || standing.isAssigned);

const isBack = ({ activity, standing: { isAssigned, starting } }: Worker): boolean =>
  isAssigned && starting === 0 && activity !== "draining";
