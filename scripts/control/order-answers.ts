import type { LogAccess } from "../../runtime/log/port.ts";
import { type Addressee, ALIVE_MAX_MS } from "../../runtime/ops/addressees.ts";
import { describeMembers } from "../../runtime/ops/job-overview.ts";
import { type OrderProgress, OrderWatch } from "../../runtime/ops/order-watch.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { WorkProgress } from "../output/work-progress.ts";

/** What has come of an order in one process, for people and programs. */
export interface Obeyed {
  readonly process: string;
  readonly workers: number;
  readonly outcome: "done" | "failed" | "superseded" | "gone";
  readonly detail?: string;
}

export interface AwaitedOrder {
  readonly job: string;
  readonly id: string;
  readonly addressees: readonly Addressee[];
  readonly timeoutMs: number;
  /** "workers paused" */
  readonly what: string;
}

const HEAR_MAX_MS = 500;

/**
 * Waits until all have carried out an order, or have ended.
 * @throws {MulgilError} CONTROL_TIMEOUT naming those who have not answered in time, CONTROL_FAILED
 */
export async function awaitAnswers(log: LogAccess, order: AwaitedOrder): Promise<readonly Obeyed[]> {
  const watch = new OrderWatch(log, order.job);
  const progress = new WorkProgress(order.what);
  try {
    const all = await hearAll(watch, progress, order);
    const waiting = all.filter(({ at }) => at.status === "waiting");
    // Who was killed meanwhile can answer nothing, and has nothing under way.
    const inGroup = new Set((await describeMembers(log, order.job)).map(({ memberId }) => memberId));
    const silent = waiting.filter(({ to, at }) => isSilent(to, at, inGroup));
    if (silent.length > 0) throw timedOut(order, silent);
    return obeyed(order, all);
  } finally {
    progress.close();
    await watch.close();
  }
}

interface Awaited {
  readonly to: Addressee;
  readonly at: OrderProgress;
}

async function hearAll(watch: OrderWatch, progress: WorkProgress, order: AwaitedOrder): Promise<readonly Awaited[]> {
  const untilMs = systemClock.now() + order.timeoutMs;
  for (;;) {
    const leftMs = untilMs - systemClock.now();
    await watch.hear(Math.max(0, Math.min(HEAR_MAX_MS, leftMs)));
    const all = order.addressees.map((to) => ({ to, at: watch.progressOf(to, order.id) }));
    const over = all.filter(({ at }) => at.status !== "waiting");
    progress.show(workersOf(over), workersOf(all));
    if (over.length === all.length || leftMs <= 0) return all;
  }
}

const workersOf = (some: readonly Awaited[]): number =>
  some.reduce((sum, { to }) => sum + Math.max(1, to.memberIds.length), 0);

function isSilent({ process, memberIds }: Addressee, at: OrderProgress, inGroup: ReadonlySet<string>): boolean {
  if (process === undefined || memberIds.length > 0) {
    const reported = at.status === "waiting" ? (at.report?.members ?? []) : [];
    const current = [...memberIds, ...reported.flatMap(({ memberId }) => memberId ?? [])];
    return current.some((memberId) => inGroup.has(memberId)) || reported.some(({ activity }) => activity === "drained");
  }
  // It had not joined yet. One that was ended before it could say so has said nothing since.
  const { report } = at.status === "waiting" ? at : { report: undefined };
  if (report === undefined) return true;
  const isInGroup = report.members.some(({ memberId }) => memberId !== undefined && inGroup.has(memberId));
  return isInGroup || report.atMs >= systemClock.now() - ALIVE_MAX_MS;
}

function obeyed({ job }: AwaitedOrder, all: readonly Awaited[]): readonly Obeyed[] {
  const found = all.map(({ to, at }): Obeyed => {
    const common = { process: nameOf(to), workers: Math.max(1, to.memberIds.length) };
    if (at.status !== "answered") return { ...common, outcome: "gone" };
    const { outcome, detail } = at.answer;
    return { ...common, outcome, ...(detail !== undefined && { detail }) };
  });
  const failed = found.find(({ outcome }) => outcome === "failed");
  if (failed === undefined) return found;
  throw new MulgilError(`${failed.process} could not carry out the order for job "${job}": ${failed.detail}`, {
    code: "CONTROL_FAILED",
  });
}

export const nameOf = ({ process, host, pid, memberIds }: Addressee): string =>
  process ?? (host === undefined ? `member ${memberIds.join(", ")}` : `${host}:${pid}`);

function timedOut({ job, timeoutMs }: AwaitedOrder, silent: readonly Awaited[]): MulgilError {
  const names = silent.map(({ to, at }) => `${nameOf(to)} (${doingNow(at)})`).join(", ");
  return new MulgilError(
    `not all workers of job "${job}" have carried out the order within ${timeoutMs / 1_000} s: ${names}. The order stands, and who reads it later obeys it; see mulgil status ${job}, or give a longer --timeout`,
    { code: "CONTROL_TIMEOUT" },
  );
}

function doingNow(at: OrderProgress): string {
  const members = at.status === "waiting" ? (at.report?.members ?? []) : [];
  if (members.length === 0) return "it has said nothing: it hangs, or is of a version that takes no orders";
  return [...Map.groupBy(members, ({ activity }) => activity)]
    .map(([activity, those]) => `${those.length} ${activity}`)
    .join(", ");
}
