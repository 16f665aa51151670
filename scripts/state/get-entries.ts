import { partitionOf } from "../../runtime/log/partitioner.ts";
import { type EntryQuery, keyBytes, selectEntries } from "../../runtime/operators/entry-query.ts";
import type { RevealRequest } from "../../runtime/ops/http/reveal-trail.ts";
import type { EntriesAnswer } from "../../runtime/ops/state/local-state.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { knownPlan } from "../environment/known-jobs.ts";
import type { OpenLog } from "../environment/open-log.ts";
import { messageOf } from "../output/problem.ts";
import { changelogEntries } from "./changelog-entries.ts";
import type { FoundEntries } from "./found-entries.ts";
import { assertRuns, ownersOfPart, type TaskOwner, taskOwners } from "./owners.ts";
import { auditChangelog, maskHere, revealRequest, type Showing } from "./shown-state.ts";
import { readableStore, type StoreOfJob, storeOf } from "./store-of-job.ts";
import { type AskWorker, queryOf, storePath } from "./worker-request.ts";

export interface GetRequest {
  readonly job: string;
  readonly store: string;
  readonly query: EntryQuery & { readonly key: string };
  readonly fromChangelog: boolean;
  readonly showing: Showing;
  readonly ask: AskWorker;
}

const PAGE = 1_000;

/**
 * What a store has under a key, whichever worker has it. All are asked at once: records need not lie where the usual partitioner puts them.
 * @throws {MulgilError} STATE_KEY_ABSENT if nobody has it, STATE_OWNER_SILENT if somebody who may have it cannot answer, STATE_JOB_STOPPED
 */
export async function getEntries(open: OpenLog, request: GetRequest): Promise<FoundEntries> {
  const { log, registry } = open;
  const { job, store, query, showing } = request;
  const of = storeOf(await knownPlan(log, job), store);
  const ownership = await taskOwners(log, of.plan);
  const owners = ownersOfPart(ownership, of.part);
  const readable = await readableStore(of, registry);
  // A wrong question is found out before anybody is asked.
  selectEntries(readable, query);
  const likely = likelyTask(of, readable, owners, query.key);
  if (request.fromChangelog) {
    await auditChangelog(open, of, showing);
    const mask = await maskHere(open, { ...of, ...readable }, showing, { isKeyKnown: true });
    const found = await changelogEntries({ log, of: readable, mask, query, tasks: likelyFirst(owners, likely) });
    return present({ job, store, source: "changelog", ...found }, query);
  }
  assertRuns(ownership, job);
  const { silent, ...found } = await askAll(of, owners, request);
  if (found.entries.length === 0 && silent.length > 0) throw unanswered(silent, likely);
  return present({ job, store, source: "store", ...found }, query);
}

/** The task whose partition the usual partitioner chooses. The keys of a call's stores are none of its records'. */
function likelyTask(
  { part }: StoreOfJob,
  readable: Parameters<typeof keyBytes>[0],
  owners: readonly TaskOwner[],
  key: string,
): string | undefined {
  const bytes = keyBytes(readable, key);
  if (part.call !== undefined || owners.length === 0) return undefined;
  const partition = partitionOf(bytes, owners.length);
  return owners.find((owner) => owner.partition === partition)?.task;
}

const likelyFirst = (owners: readonly TaskOwner[], likely: string | undefined): readonly TaskOwner[] =>
  owners.toSorted((left, right) => Number(right.task === likely) - Number(left.task === likely));

type Silent = { readonly task: string; readonly why: string };

async function askAll(
  { plan, planned }: StoreOfJob,
  owners: readonly TaskOwner[],
  { query, showing, ask }: GetRequest,
): Promise<Pick<FoundEntries, "entries" | "positions"> & { readonly silent: readonly Silent[] }> {
  const answers = await Promise.all(
    owners.map(async (owner): Promise<EntriesAnswer | Silent> => {
      const { task, process, problem } = owner;
      if (process === undefined) return { task, why: problem };
      try {
        const asked = { ...query, ...revealRequest(showing) };
        return await allPages(owner, storePath(plan.job, planned.name), asked, ask);
      } catch (error) {
        return { task, why: messageOf(error) };
      }
    }),
  );
  const told = answers.filter((answer) => "entries" in answer);
  return {
    entries: told.flatMap(({ entries }) => entries),
    positions: told.flatMap(({ tasks }) => tasks.map(({ task, position }) => ({ task, position }))),
    silent: answers.flatMap((answer, at) => {
      if ("why" in answer) return [answer];
      const { task } = owners[at]!;
      return answer.tasks.some((each) => each.task === task)
        ? []
        : [{ task, why: `it is ${answer.notReady[0]?.status ?? "on its way to another worker"}` }];
    }),
  };
}

async function allPages(
  { task, process }: TaskOwner,
  path: string,
  query: EntryQuery & RevealRequest,
  ask: AskWorker,
): Promise<EntriesAnswer> {
  let all: EntriesAnswer | undefined;
  let after: string | undefined;
  do {
    const page: EntriesAnswer = await ask(
      process!,
      `${path}/entries${queryOf({ ...query, task, limit: PAGE, after })}`,
    );
    all = { ...page, entries: [...(all?.entries ?? []), ...page.entries] };
    after = page.tasks[0]?.after;
  } while (after !== undefined);
  return all;
}

function unanswered(silent: readonly Silent[], likely: string | undefined): MulgilError {
  const told = silent.find(({ task }) => task === likely) ?? silent[0]!;
  const others = silent.length === 1 ? "" : ` (and ${silent.length - 1} more tasks do not answer)`;
  const whose = told.task === likely ? "to which the key belongs, " : "which may have the key, ";
  return new MulgilError(
    `task ${told.task}, ${whose}does not answer: ${told.why}${others}. Ask again in a moment, or read the log with --from-changelog`,
    { code: "STATE_OWNER_SILENT", context: { task: told.task } },
  );
}

function present(found: FoundEntries, { key }: GetRequest["query"]): FoundEntries {
  if (found.entries.length > 0) return found;
  throw new MulgilError(`store "${found.store}" of job "${found.job}" has no entry for the key "${key}"`, {
    code: "STATE_KEY_ABSENT",
    context: { job: found.job, store: found.store },
  });
}
