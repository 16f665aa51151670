import type { LogAccess } from "../log/port.ts";
import { readPartition } from "../log/read-partition.ts";
import { circuitsTopicOf, jobOfCircuitsTopic } from "../plan/internal-topics.ts";
import type { RefusalReason } from "../resilience/attempt.ts";
import { mergePairs, percentile } from "../resilience/latency-histogram.ts";
import { isLive } from "../resilience/others.ts";
import {
  CALL_CLASSES,
  type CallClass,
  type CircuitState,
  type Override,
  REFUSAL_REASONS,
  type ResourceReport,
} from "../resilience/resource-report.ts";
import { decodeCircuitKey, decodeOverride, decodeReport } from "../worker/circuit-records.ts";

/** One institution as one step of a job knows it, over all live workers. Counts are of the rolling window. */
export interface InstitutionOverview {
  readonly job: string;
  readonly step: string;
  readonly resource: string;
  /** As the workers have it; what holds is the order by hand, if there is one. */
  readonly circuit: CircuitState;
  /** The order by hand that holds now. */
  readonly override: Override | undefined;
  /** When calls may begin again: the end of the order, of the open state or of a hold-off. */
  readonly untilMs: number | undefined;
  /** Workers that call it. */
  readonly workers: number;
  readonly inFlight: number;
  /** In the memory of workers, for a permit. */
  readonly queued: number;
  /** Calls at once, of all workers. */
  readonly limit: number;
  readonly windowMs: number;
  readonly calls: Readonly<Record<CallClass, number>>;
  readonly refused: Readonly<Record<RefusalReason, number>>;
  /** In ms, up to 5 % off. */
  readonly latency: { readonly p50: number; readonly p95: number; readonly p99: number } | undefined;
  /** Records in tiers, or held. */
  readonly waiting: number;
  readonly oldestWaitingSinceMs: number | undefined;
}

/** What lies on a job's topic of circuits. */
export interface SharedCircuits {
  readonly job: string;
  readonly reports: readonly ResourceReport[];
  readonly overrides: readonly { readonly step: string; readonly resource: string; readonly override: Override }[];
}

/** The jobs that have institutions to tell of, by name. */
export async function jobsWithCircuits(log: LogAccess): Promise<readonly string[]> {
  return (await log.describeTopics()).flatMap(({ topic }) => jobOfCircuitsTopic(topic) ?? []).sort();
}

/** Reads a job's topic of circuits, which must exist. */
export async function readCircuits(log: LogAccess, job: string): Promise<SharedCircuits> {
  const latest = new Map<string, { readonly key: Buffer; readonly value: Buffer | null }>();
  for (const { key, value } of await readPartition(log, { topic: circuitsTopicOf(job), partition: 0 }))
    if (key !== null) latest.set(key.toString(), { key, value });
  const reports: ResourceReport[] = [];
  const overrides: SharedCircuits["overrides"][number][] = [];
  for (const { key: bytes, value } of latest.values()) {
    const key = decodeCircuitKey(bytes);
    if (key === undefined || key.kind === "waiting" || value === null) continue;
    const report = key.kind === "worker" ? decodeReport(value) : undefined;
    if (report !== undefined) reports.push(report);
    const override = key.kind === "override" ? decodeOverride(value) : undefined;
    if (override !== undefined) overrides.push({ step: key.step, resource: key.resource, override });
  }
  return { job, reports, overrides };
}

/** The institutions of a job, by step and name. Pure. */
export function institutionsOf({ job, reports, overrides }: SharedCircuits, nowMs: number): InstitutionOverview[] {
  const keyOf = ({ step, resource }: { readonly step: string; readonly resource: string }) =>
    JSON.stringify([step, resource]);
  const byKey = Map.groupBy(reports, keyOf);
  const ordered = new Map(overrides.map((each) => [keyOf(each), each.override]));
  return [...new Set([...byKey.keys(), ...ordered.keys()])].sort().map((key) => {
    const [step, resource] = JSON.parse(key) as [string, string];
    return { job, step, resource, ...overviewOf(byKey.get(key) ?? [], ordered.get(key), nowMs) };
  });
}

function overviewOf(
  reports: readonly ResourceReport[],
  order: Override | undefined,
  nowMs: number,
): Omit<InstitutionOverview, "job" | "step" | "resource"> {
  const live = reports.filter((report) => isLive(report, nowMs));
  const holds = order !== undefined && order.state !== "reset" && nowMs < (order.untilMs ?? Infinity);
  const override = holds ? order : undefined;
  const { circuit, openUntilMs } = circuitOf(reports, order, nowMs);
  const heldOffUntilMs = Math.max(0, ...live.map((report) => report.heldOffUntilMs));
  const untilMs = holds ? order.untilMs : (openUntilMs ?? (heldOffUntilMs > nowMs ? heldOffUntilMs : undefined));
  const latencies = mergePairs(live.map((report) => report.latencies));
  const at = (share: number) => Math.round(percentile(latencies, share)!);
  const oldest = live.flatMap(({ waiting }) => waiting.oldestSinceMs ?? []);
  return {
    ...{ circuit, override, untilMs, workers: live.length },
    inFlight: sum(live, ({ inFlight }) => inFlight),
    queued: sum(live, ({ queued }) => queued),
    limit: sum(live, ({ limit }) => limit),
    windowMs: Math.max(0, ...live.map(({ windowMs }) => windowMs)),
    calls: sumsOf(CALL_CLASSES, live, ({ calls }) => calls),
    refused: sumsOf(REFUSAL_REASONS, live, ({ refused }) => refused),
    latency: latencies.length === 0 ? undefined : { p50: at(0.5), p95: at(0.95), p99: at(0.99) },
    waiting: sum(live, ({ waiting }) => waiting.records),
    oldestWaitingSinceMs: oldest.length === 0 ? undefined : Math.min(...oldest),
  };
}

/** The circuit that changed last, also of a worker that is gone: the next one begins with it. */
function circuitOf(reports: readonly ResourceReport[], order: Override | undefined, nowMs: number) {
  const latest = Math.max(0, ...reports.map(({ circuit }) => circuit.changedMs));
  const current = reports.filter(({ circuit }) => circuit.changedMs === latest).map(({ circuit }) => circuit);
  const isReset = order?.state === "reset" && latest < order.atMs;
  const open = isReset ? undefined : current.find(({ state }) => state !== "closed");
  if (open === undefined) return { circuit: "closed" as const, openUntilMs: undefined };
  const isProbed = current.some(({ state }) => state === "halfOpen");
  return {
    circuit: isProbed ? ("halfOpen" as const) : ("open" as const),
    openUntilMs: open.untilMs > nowMs ? open.untilMs : undefined,
  };
}

const sum = (reports: readonly ResourceReport[], of: (report: ResourceReport) => number): number =>
  reports.reduce((total, report) => total + of(report), 0);

const sumsOf = <Name extends string>(
  names: readonly Name[],
  reports: readonly ResourceReport[],
  of: (report: ResourceReport) => Readonly<Record<Name, number>>,
): Record<Name, number> =>
  Object.fromEntries(names.map((name) => [name, sum(reports, (report) => of(report)[name] ?? 0)])) as Record<
    Name,
    number
  >;
