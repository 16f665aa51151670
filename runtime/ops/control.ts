import type { LogAccess } from "../log/port.ts";
import { readPartition } from "../log/read-partition.ts";
import {
  CONTROL,
  type ControlReport,
  decodeControlKey,
  decodeControlReport,
  decodeWanted,
  encodeControlKey,
  encodeControlValue,
  type RestartOrder,
  type ScaleOrder,
  type WantedState,
} from "../worker/control-records.ts";

/** What was ordered, and what processes say of the jobs that they run; those of processes that were killed are there, too. */
export interface ControlState {
  /** By job; a job of which nobody ever wanted anything is not there, and runs. */
  readonly wanted: ReadonlyMap<string, WantedState>;
  readonly reports: readonly ControlReport[];
}

const NOTHING: ControlState = { wanted: new Map(), reports: [] };

export async function readControl(log: LogAccess): Promise<ControlState> {
  if (!(await hasControl(log))) return NOTHING;
  const latest = new Map<string, { readonly key: Buffer; readonly value: Buffer | null }>();
  for (const { key, value } of await readPartition(log, { topic: CONTROL.topic, partition: 0 }))
    if (key !== null) latest.set(key.toString(), { key, value });
  const wanted = new Map<string, WantedState>();
  const reports: ControlReport[] = [];
  for (const { key: bytes, value } of latest.values()) {
    const key = decodeControlKey(bytes);
    if (key === undefined || value === null) continue;
    const state = key.kind === "wanted" ? decodeWanted(value) : undefined;
    const report = key.kind === "process" ? decodeControlReport(value) : undefined;
    if (state !== undefined && key.kind === "wanted") wanted.set(key.job, state);
    if (report !== undefined) reports.push(report);
  }
  return { wanted, reports };
}

/**
 * What is wanted of jobs by orders: "running", "paused" or "drained", since when, by whom and why. By job; one that is not there was never ordered anything,
 * and runs. Orders hold whether or not anybody runs the job.
 */
export async function readWantedStates(log: LogAccess): Promise<ReadonlyMap<string, WantedState>> {
  return (await readControl(log)).wanted;
}

/** Says what is wanted of a job from now on. Its processes obey it when they read it: within a second or two, and after every start. */
export async function orderWanted(log: LogAccess, job: string, wanted: WantedState): Promise<void> {
  await produce(log, encodeControlKey({ kind: "wanted", job }), encodeControlValue(wanted), wanted.atMs);
}

/** Has members of a job leave and join again, once. Processes that start later do not. */
export async function orderRestart(log: LogAccess, job: string, order: RestartOrder): Promise<void> {
  await produce(log, encodeControlKey({ kind: "restart", job }), encodeControlValue(order), order.atMs);
}

/** Says how many workers a machine is to have. Processes that start later do not hear of it. */
export async function orderScale(log: LogAccess, host: string, order: ScaleOrder): Promise<void> {
  await produce(log, encodeControlKey({ kind: "scale", host }), encodeControlValue(order), order.atMs);
}

/** Takes back what processes have said that are no more. */
export async function forgetReports(
  log: LogAccess,
  reports: readonly ControlReport[],
  timestampMs: number,
): Promise<void> {
  for (const { process, job } of reports)
    await produce(log, encodeControlKey({ kind: "process", process, job }), null, timestampMs);
}

async function produce(log: LogAccess, key: Buffer, value: Buffer | null, timestampMs: number): Promise<void> {
  if (!(await hasControl(log))) await log.ensureTopics([CONTROL]);
  await log.produce([{ topic: CONTROL.topic, partition: 0, records: [{ key, value, timestampMs }] }]);
}

async function hasControl(log: LogAccess): Promise<boolean> {
  return (await log.describeTopics()).some(({ topic }) => topic === CONTROL.topic);
}
