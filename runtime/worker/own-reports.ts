import type { ProducerRecord } from "../log/port.ts";
import type { ResourceReport } from "../resilience/resource-report.ts";
import { type CircuitKey, encodeCircuitKey, encodeReport } from "./circuit-records.ts";

/** Counts are told this often while there are any: others take who is silent for three times as long for gone. */
const HEARTBEAT_MS = 5_000;

interface Told {
  readonly report: ResourceReport;
  /** What others must know at once. */
  readonly urgent: string;
  /** Somebody removed it. */
  isLost: boolean;
}

type Record = Pick<ProducerRecord, "key" | "value">;

/** What this worker has told about the institutions, and what there is to tell now. */
export class OwnReports {
  readonly #told = new Map<string, Told>();

  has(key: CircuitKey): boolean {
    return this.#told.has(textOf(key));
  }

  tellAgain(key: CircuitKey): void {
    const told = this.#told.get(textOf(key));
    if (told !== undefined) told.isLost = true;
  }

  /** `told` is to be called when the records are written. */
  news(reports: readonly ResourceReport[], nowMs: number): { readonly records: readonly Record[]; told(): void } {
    const fresh = reports
      .map((report) => [textOf(keyOf(report)), { report, urgent: urgentOf(report), isLost: false }] as const)
      .filter(([key, next]) => isNews(this.#told.get(key), next, nowMs));
    const gone = this.#notIn(reports);
    return {
      records: [...fresh.map(([, { report }]) => recordOf(report)), ...gone.flatMap(takenBack)],
      told: () => {
        for (const { report } of gone) this.#told.delete(textOf(keyOf(report)));
        for (const [key, next] of fresh) this.#told.set(key, next);
      },
    };
  }

  /** When the worker stops. */
  farewell(reports: readonly ResourceReport[]): readonly Record[] {
    const open = reports.filter(({ circuit }) => circuit.state !== "closed");
    const others = [...this.#told.values()].filter(
      ({ report }) => !open.some((each) => textOf(keyOf(each)) === textOf(keyOf(report))),
    );
    return [...open.map(recordOf), ...others.map(({ report }) => tombstoneOf(report))];
  }

  #notIn(reports: readonly ResourceReport[]): readonly Told[] {
    const known = new Set(reports.map((report) => textOf(keyOf(report))));
    return [...this.#told].flatMap(([key, told]) => (known.has(key) ? [] : [told]));
  }
}

function isNews(before: Told | undefined, next: Told, nowMs: number): boolean {
  if (before === undefined) return isWorthTelling(next.report);
  if (before.isLost) return isWorthTelling(next.report);
  if (next.urgent !== before.urgent) return true;
  const isDue = nowMs - before.report.atMs >= HEARTBEAT_MS;
  return isDue && (isWorthTelling(next.report) || isWorthTelling(before.report));
}

/** Nobody needs to hear of an institution at rest. */
const isWorthTelling = ({ circuit, calls, refused, inFlight, queued, waiting }: ResourceReport): boolean =>
  circuit.state !== "closed" ||
  inFlight + queued + waiting.records > 0 ||
  [...Object.values(calls), ...Object.values(refused)].some((count) => count > 0);

/** While a circuit is not closed, the others elect by who has asked; failures may open it everywhere. */
const urgentOf = ({ circuit, askedMs, heldOffUntilMs }: ResourceReport): string =>
  JSON.stringify([
    ...[circuit.state, circuit.changedMs, circuit.untilMs, circuit.judged.failures, circuit.judged.slow],
    ...[heldOffUntilMs, circuit.state === "closed" ? 0 : askedMs],
  ]);

/** One that was open when it was forgotten stays for whoever comes next. */
const takenBack = ({ report }: Told): readonly Record[] =>
  report.circuit.state === "closed" ? [tombstoneOf(report)] : [];

const keyOf = ({ step, resource, worker }: ResourceReport): CircuitKey => ({ kind: "worker", step, resource, worker });
const textOf = (key: CircuitKey): string => encodeCircuitKey(key).toString();
const recordOf = (report: ResourceReport): Record => ({
  key: encodeCircuitKey(keyOf(report)),
  value: encodeReport(report),
});
const tombstoneOf = (report: ResourceReport): Record => ({ key: encodeCircuitKey(keyOf(report)), value: null });
