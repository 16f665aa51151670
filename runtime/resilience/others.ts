import type { CircuitReport, JudgedCounts, Override, ResourceReport } from "./resource-report.ts";

/** A worker that is silent for longer is taken for gone. */
export const REPORT_LASTS_MS = 15_000;

/** Whether a worker that reported this is taken for alive. */
export const isLive = (report: Pick<ResourceReport, "atMs">, nowMs: number): boolean =>
  report.atMs > nowMs - REPORT_LASTS_MS;

/** What others say about one institution: the reports of the other workers, and the latest order by hand. */
export class Others {
  readonly #reports = new Map<string, ResourceReport>();
  #latestCircuit: CircuitReport | undefined;
  #override: Override | undefined;

  /** Whether there is nothing in it to remember. */
  get isEmpty(): boolean {
    const isClosed = (this.#latestCircuit?.state ?? "closed") === "closed";
    return this.#reports.size === 0 && this.#override === undefined && isClosed;
  }

  hear(report: ResourceReport): void {
    this.#reports.set(report.worker, report);
    this.remember(report.circuit);
  }

  /** A circuit of a worker that is no more: of this one's former life, say. */
  remember(circuit: CircuitReport): void {
    if (this.#latestCircuit === undefined || circuit.changedMs > this.#latestCircuit.changedMs)
      this.#latestCircuit = circuit;
  }

  forget(worker: string): void {
    this.#reports.delete(worker);
  }

  order(override: Override | undefined): void {
    this.#override = override;
  }

  /** The latest order, also if it is over. */
  get override(): Override | undefined {
    return this.#override;
  }

  /** The order that holds now. */
  overrideAt(nowMs: number): Override | undefined {
    const given = this.#override;
    return given !== undefined && given.state !== "reset" && nowMs < (given.untilMs ?? Infinity) ? given : undefined;
  }

  /** The circuit that changed last, also of a worker that is gone: it may have been the last of all. */
  get latestCircuit(): CircuitReport | undefined {
    return this.#latestCircuit;
  }

  /** What they counted since this change of the circuit; before it they judged another life of it. */
  judged(changedMs: number, nowMs: number): JudgedCounts {
    const sum = { calls: 0, failures: 0, slow: 0 };
    for (const report of this.#reports.values()) {
      if (!isLive(report, nowMs) || report.circuit.changedMs < changedMs) continue;
      const { calls, failures, slow } = report.circuit.judged;
      sum.calls += calls;
      sum.failures += failures;
      sum.slow += slow;
    }
    return sum;
  }

  /** Workers that call the institution, this one included. */
  workers(nowMs: number): number {
    let workers = 1;
    for (const report of this.#reports.values()) if (isLive(report, nowMs)) workers++;
    return workers;
  }

  /** Whether this worker has the lowest id of those that want to call. One that has no records for the institution cannot probe it. */
  isElected(worker: string, nowMs: number): boolean {
    for (const report of this.#reports.values())
      if (report.worker < worker && isLive(report, nowMs) && report.askedMs > nowMs - REPORT_LASTS_MS) return false;
    return true;
  }
}
