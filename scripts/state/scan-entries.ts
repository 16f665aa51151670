import type { LogAccess } from "../../runtime/log/port.ts";
import { assertAskable, type EntryQuery, selectEntries } from "../../runtime/operators/entry-query.ts";
import type { EntriesAnswer } from "../../runtime/ops/state/local-state.ts";
import type { Plan } from "../../runtime/plan/plan.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { knownPlan } from "../environment/known-jobs.ts";
import type { OpenLog } from "../environment/open-log.ts";
import { messageOf } from "../output/problem.ts";
import type { FoundEntry } from "./found-entries.ts";
import { assertRuns, ofTask, ownersOfPart, type TaskOwner, taskOwners } from "./owners.ts";
import { replicaPages } from "./replica-pages.ts";
import { auditChangelog, maskHere, revealRequest, type Showing } from "./shown-state.ts";
import { readableStore, type StoreOfJob, storeOf } from "./store-of-job.ts";
import { type AskWorker, queryOf, storePath } from "./worker-request.ts";

export interface ScanRequest {
  readonly job: string;
  readonly store: string;
  readonly query: EntryQuery;
  readonly task?: string | undefined;
  readonly fromChangelog: boolean;
  readonly showing: Showing;
  readonly ask: AskWorker;
  readonly signal: AbortSignal;
}

const PAGE = 500;
/** A task that is between two workers, or being restored, is waited for so long. */
const PATIENCE_MS = 10_000;
const RETRY_MS = 300;

/**
 * The entries of a store, task by task, each in the order of its keys. A page is a snapshot, the whole is not: what changes behind a page is not seen,
 * and what changes before it is. Goes on with whoever has the task when it moves.
 * @throws {MulgilError} STATE_OWNER_SILENT, STATE_JOB_STOPPED
 */
export async function* scanEntries(open: OpenLog, request: ScanRequest): AsyncGenerator<readonly FoundEntry[]> {
  const { log, registry } = open;
  const { job, store, query, showing, signal } = request;
  const of = storeOf(await knownPlan(log, job), store);
  const ownership = await taskOwners(log, of.plan);
  const owners = ofTask(ownersOfPart(ownership, of.part), request.task);
  if (request.fromChangelog) {
    const readable = await readableStore(of, registry);
    await auditChangelog(open, of, showing);
    const mask = await maskHere(open, { ...of, ...readable }, showing);
    for (const owner of owners) yield* replicaPages({ log, of: readable, mask, plan: of.plan, owner, query, signal });
    return;
  }
  assertRuns(ownership, job);
  // A wrong question is found out before the first answer.
  const readable = await readableStore(of, registry);
  selectEntries(readable, query);
  if (query.prefix !== undefined) assertAskable(store, query, await maskHere(open, { ...of, ...readable }, showing));
  for (const owner of owners) yield* pagesOf(log, of, owner, request);
}

async function* pagesOf(
  log: LogAccess,
  of: StoreOfJob,
  first: TaskOwner,
  { query, showing, ask, signal }: ScanRequest,
): AsyncGenerator<readonly FoundEntry[]> {
  const path = storePath(of.plan.job, of.planned.name);
  const asked = { ...query, ...revealRequest(showing), task: first.task, limit: PAGE };
  let owner = first;
  let after: string | undefined;
  let giveUpAtMs = systemClock.now() + PATIENCE_MS;
  for (;;) {
    signal.throwIfAborted();
    const page = await pageOf(owner, `${path}/entries${queryOf({ ...asked, after })}`, ask);
    if ("why" in page) {
      if (systemClock.now() >= giveUpAtMs) throw silent(owner.task, page.why);
      await systemClock.sleep(RETRY_MS, signal);
      owner = await ownerNow(log, of.plan, owner);
      continue;
    }
    giveUpAtMs = systemClock.now() + PATIENCE_MS;
    after = page.tasks[0]!.after;
    if (page.entries.length > 0) yield page.entries;
    if (after === undefined) return;
  }
}

async function pageOf(
  { process, problem }: TaskOwner,
  path: string,
  ask: AskWorker,
): Promise<EntriesAnswer | { readonly why: string }> {
  if (process === undefined) return { why: problem };
  try {
    const answer: EntriesAnswer = await ask(process, path);
    if (answer.tasks.length > 0) return answer;
    return { why: `it is ${answer.notReady[0]?.status ?? "on its way to another worker"}` };
  } catch (error) {
    return { why: messageOf(error) };
  }
}

async function ownerNow(log: LogAccess, plan: Plan, { task }: TaskOwner): Promise<TaskOwner> {
  const { owners } = await taskOwners(log, plan);
  return owners.find((owner) => owner.task === task)!;
}

const silent = (task: string, why: string) =>
  new MulgilError(
    `task ${task} does not answer: ${why}. Scan again in a moment, or read the log with --from-changelog`,
    { code: "STATE_OWNER_SILENT", context: { task } },
  );
