import type { ResourceReport } from "../resilience/resource-report.ts";
import { type CircuitKey, encodeCircuitKey } from "./circuit-records.ts";

const SWEEP_EVERY_MS = 10_000;
const SILENT_AFTER_MS = 60_000;
/** An open circuit outlives its worker, so that a restart of all finds it open; but not for ever. */
const OPEN_SILENT_AFTER_MS = 86_400_000;

/** Reports of workers that have gone without taking them back: whoever notices removes them. */
export class SilentReports {
  readonly #reports = new Map<string, { readonly key: CircuitKey; readonly report: ResourceReport }>();
  #sweepAtMs = 0;

  /** @param report undefined if it was removed, or nobody can read it */
  heard(key: CircuitKey, report: ResourceReport | undefined): void {
    const text = encodeCircuitKey(key).toString();
    if (report === undefined) this.#reports.delete(text);
    else this.#reports.set(text, { key, report });
  }

  /**
   * What is to be removed now.
   * @param own what this worker knows: its circuits, too, may have changed after those that were left
   */
  due(nowMs: number, own: readonly ResourceReport[]): readonly CircuitKey[] {
    if (nowMs < this.#sweepAtMs) return [];
    this.#sweepAtMs = nowMs + SWEEP_EVERY_MS;
    const latest = latestChanges([...own, ...Array.from(this.#reports.values(), ({ report }) => report)]);
    return [...this.#reports.values()]
      .filter(({ report }) => {
        const isOpen =
          report.circuit.state !== "closed" && report.circuit.changedMs === latest.get(institutionOf(report));
        return report.atMs < nowMs - (isOpen ? OPEN_SILENT_AFTER_MS : SILENT_AFTER_MS);
      })
      .map(({ key }) => key);
  }
}

function latestChanges(reports: readonly ResourceReport[]): ReadonlyMap<string, number> {
  const latest = new Map<string, number>();
  for (const report of reports) {
    const institution = institutionOf(report);
    latest.set(institution, Math.max(latest.get(institution) ?? 0, report.circuit.changedMs));
  }
  return latest;
}

const institutionOf = ({ step, resource }: ResourceReport): string => JSON.stringify([step, resource]);
