import type { CircuitReport, Override, ResourceReport } from "../resilience/resource-report.ts";
import type { WaitingOrder } from "../resilience/waiting-orders.ts";

/** The records of `<job>.circuits`: keys and values are JSON. Whoever reads it meets records of other versions, too. */
export type CircuitKey =
  | { readonly kind: "worker"; readonly step: string; readonly resource: string; readonly worker: string }
  | { readonly kind: "override"; readonly step: string; readonly resource: string }
  /** An order about what waits; `name` says about which. */
  | { readonly kind: "waiting"; readonly step: string; readonly name: string };

export const encodeCircuitKey = (key: CircuitKey): Buffer =>
  Buffer.from(
    JSON.stringify([
      key.kind,
      key.step,
      key.kind === "waiting" ? key.name : key.resource,
      ...(key.kind === "worker" ? [key.worker] : []),
    ]),
  );

/** undefined: none that this version knows. */
export function decodeCircuitKey(bytes: Buffer | null): CircuitKey | undefined {
  const parts = parsed(bytes);
  if (!Array.isArray(parts) || !parts.every((part) => typeof part === "string")) return undefined;
  const [kind, step, resource, worker] = parts as (string | undefined)[];
  if (step === undefined || resource === undefined) return undefined;
  if (kind === "worker" && worker !== undefined) return { kind, step, resource, worker };
  if (kind === "waiting") return { kind, step, name: resource };
  return kind === "override" ? { kind, step, resource } : undefined;
}

export const encodeReport = (report: ResourceReport): Buffer => Buffer.from(JSON.stringify(report));

/** undefined: none that this version can read. */
export function decodeReport(bytes: Buffer): ResourceReport | undefined {
  const report = parsed(bytes) as Partial<ResourceReport> | undefined;
  const isReport =
    isObject(report) &&
    [report.step, report.resource, report.worker].every((text) => typeof text === "string") &&
    [report.atMs, report.windowMs, report.askedMs, report.inFlight, report.limit].every(Number.isFinite) &&
    [report.calls, report.refused, report.waiting].every(isObject) &&
    Array.isArray(report.latencies) &&
    isCircuit(report.circuit);
  return isReport ? (report as ResourceReport) : undefined;
}

export const encodeOverride = (override: Override): Buffer => Buffer.from(JSON.stringify(override));

export function decodeOverride(bytes: Buffer): Override | undefined {
  const override = parsed(bytes) as Partial<Override> | undefined;
  if (!isObject(override) || !Number.isFinite(override.atMs)) return undefined;
  return ["open", "closed", "reset"].includes(override.state ?? "") ? (override as Override) : undefined;
}

export const encodeWaitingOrder = (order: WaitingOrder): Buffer => Buffer.from(JSON.stringify(order));

export function decodeWaitingOrder(bytes: Buffer): WaitingOrder | undefined {
  const order = parsed(bytes) as Partial<WaitingOrder> | undefined;
  if (!isObject(order) || !Number.isFinite(order.atMs)) return undefined;
  if (order.what !== "release" && order.what !== "expire") return undefined;
  // One that is read by half would concern more than was meant.
  const areTexts = [order.resource, order.keyHash].every((text) => text === undefined || typeof text === "string");
  return areTexts ? (order as WaitingOrder) : undefined;
}

function isCircuit(circuit: Partial<CircuitReport> | undefined): boolean {
  return (
    isObject(circuit) &&
    ["closed", "open", "halfOpen"].includes(circuit.state ?? "") &&
    [circuit.changedMs, circuit.untilMs, circuit.openForMs, circuit.judged?.calls].every(Number.isFinite)
  );
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

function parsed(bytes: Buffer | null): unknown {
  try {
    return JSON.parse(bytes?.toString() ?? "null");
  } catch {
    return undefined;
  }
}
