import type { TopicSpec } from "../log/port.ts";
import type { MemberActivity } from "./member-status.ts";
import type { WantedStatus } from "./worker-orders.ts";

/**
 * Orders to the processes that run jobs, and what these say to them: one partition, so that orders stand in one sequence; compacted. Keys and values are
 * JSON. Whoever reads it meets records of other versions, too.
 */
export const CONTROL: TopicSpec = {
  topic: "mulgil.control",
  partitions: 1,
  config: { cleanupPolicy: "compact", retentionMs: -1, deleteRetentionMs: 86_400_000 },
};

export type ControlKey =
  /** What is wanted of a job: holds until something else is wanted, for processes that start later, too. */
  | { readonly kind: "wanted"; readonly job: string }
  /** Orders for once: for those who were there when it was given. */
  | { readonly kind: "restart"; readonly job: string }
  | { readonly kind: "scale"; readonly host: string }
  /** What a process says of a job that it runs. */
  | { readonly kind: "process"; readonly process: string; readonly job: string };

export interface Order {
  readonly id: string;
  /** "ana@box-1" */
  readonly by: string;
  readonly why: string;
  readonly atMs: number;
  /** How long members take to leave at most, where the order has them leave. */
  readonly drainTimeoutMs: number;
}

export interface WantedState extends Order {
  readonly status: WantedStatus;
}

export interface RestartOrder extends Order {
  /** Of the members that are to leave and join again, all at once. */
  readonly memberIds: readonly string[];
}

export interface ScaleOrder extends Order {
  /** Undefined: all that run on the machine. */
  readonly job: string | undefined;
  readonly workers: number;
}

/** What has come of an order in one process. */
export interface OrderAnswer {
  readonly id: string;
  readonly outcome: "done" | "failed" | "superseded";
  /** Why it failed, or what was left undone. */
  readonly detail?: string;
}

/** How the number of a job's workers can be changed: members of this process, processes of its supervisor, or not at all. */
export type Scaling = "members" | "processes" | "none";

export interface ControlReport {
  readonly job: string;
  readonly process: string;
  readonly host: string;
  readonly pid: number;
  /** The process id of the supervisor, where it has one. */
  readonly supervisor?: number;
  readonly scaling: Scaling;
  readonly members: readonly ReportedMember[];
  /** To the last orders, newest last. */
  readonly answers: readonly OrderAnswer[];
  readonly atMs: number;
}

export interface ReportedMember {
  readonly worker: string;
  readonly memberId?: string;
  readonly activity: MemberActivity;
}

export const encodeControlKey = (key: ControlKey): Buffer => Buffer.from(JSON.stringify([key.kind, ...namesOf(key)]));

function namesOf(key: ControlKey): readonly string[] {
  if (key.kind === "process") return [key.process, key.job];
  return [key.kind === "scale" ? key.host : key.job];
}

/** undefined: none that this version knows. */
export function decodeControlKey(bytes: Buffer | null): ControlKey | undefined {
  const parts = parsed(bytes);
  if (!Array.isArray(parts) || !parts.every((part) => typeof part === "string")) return undefined;
  const [kind, name, job] = parts as (string | undefined)[];
  if (name === undefined) return undefined;
  if (kind === "wanted" || kind === "restart") return { kind, job: name };
  if (kind === "scale") return { kind, host: name };
  return kind === "process" && job !== undefined ? { kind, process: name, job } : undefined;
}

export const encodeControlValue = (value: WantedState | RestartOrder | ScaleOrder | ControlReport): Buffer =>
  Buffer.from(JSON.stringify(value));

const STATUSES: readonly string[] = ["running", "paused", "drained"] satisfies WantedStatus[];

/** Each returns undefined for what this version cannot read. */
export function decodeWanted(bytes: Buffer): WantedState | undefined {
  const wanted = parsed(bytes) as Partial<WantedState> | undefined;
  return isOrder(wanted) && STATUSES.includes(wanted.status ?? "") ? (wanted as WantedState) : undefined;
}

export function decodeRestart(bytes: Buffer): RestartOrder | undefined {
  const order = parsed(bytes) as Partial<RestartOrder> | undefined;
  return isOrder(order) && Array.isArray(order.memberIds) ? (order as RestartOrder) : undefined;
}

export function decodeScale(bytes: Buffer): ScaleOrder | undefined {
  const order = parsed(bytes) as Partial<ScaleOrder> | undefined;
  const isScale = isOrder(order) && Number.isSafeInteger(order.workers) && order.workers! > 0;
  return isScale ? (order as ScaleOrder) : undefined;
}

export function decodeControlReport(bytes: Buffer): ControlReport | undefined {
  const report = parsed(bytes) as Partial<ControlReport> | undefined;
  const isReport =
    isObject(report) &&
    [report.job, report.process, report.host, report.scaling].every((text) => typeof text === "string") &&
    [report.pid, report.atMs].every(Number.isFinite) &&
    [report.members, report.answers].every(Array.isArray);
  return isReport ? (report as ControlReport) : undefined;
}

const isOrder = (order: Partial<Order> | undefined): order is Partial<Order> =>
  isObject(order) &&
  [order.id, order.by, order.why].every((text) => typeof text === "string") &&
  [order.atMs, order.drainTimeoutMs].every(Number.isFinite);

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

function parsed(bytes: Buffer | null): unknown {
  try {
    return JSON.parse(bytes?.toString() ?? "null");
  } catch {
    return undefined;
  }
}
