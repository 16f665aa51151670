import { MulgilError } from "../../../schemas/mulgil-error.ts";
import type { LogAccess, PartitionOffset } from "../../log/port.ts";
import type { Plan } from "../../plan/plan.ts";
import type { Clock } from "../../time/clock.ts";
import { ensureJobTopics } from "../../worker/job-topics.ts";
import { tasksOf } from "../../worker/task-assignor.ts";
import { transactionalId } from "../../worker/task-id.ts";
import { assertStopped, type ResetPlan } from "./reset-plan.ts";

const LOOK_EVERY_MS = 100;
/** Brokers delete topics in the background. */
const DELETED_WITHIN_MS = 60_000;

/**
 * Resets a stopped job. In this order, because it may be killed anywhere, and is then simply given again:
 *
 *   1 fence the transactional ids of all tasks: what a worker that hangs has begun never becomes visible
 *   2 delete what was derived: from now on a start is refused (PLAN_STORE_LOST, PLAN_TOPIC_LOST)
 *   3 set the positions in the sources, all in one transaction
 *   4 make the deleted topics anew: a start goes on from the new positions, with empty state
 *
 * What lies in state directories belongs to topics that are gone, and is not read again.
 * @throws {MulgilError} RESET_RUNNING if somebody started the job meanwhile
 */
export async function resetJob(log: LogAccess, reset: ResetPlan, clock: Clock): Promise<void> {
  const { plan, positions, emptied, keepsState } = reset;
  await fenceTasks(log, plan);
  const gone = new Set(emptied.map(({ topic }) => topic));
  for (const topic of gone) await log.deleteTopic(topic);
  await untilDeleted(log, gone, clock);
  await assertStopped(log, plan.job);
  await commitOffsets(
    log,
    plan.job,
    positions.map(({ topic, partition, to }) => ({ topic, partition, offset: to })),
  );
  if (keepsState) return;
  const counts = (await ensureJobTopics(log, [plan])).get(plan.job)!;
  // Brokers forget the offsets of a deleted topic a while later: its former ones must not be taken for some of the new one.
  const internal = plan.topics.filter(({ role }) => role === "repartition" || role === "retry");
  const starts = internal.flatMap(({ topic }) =>
    Array.from({ length: counts.get(topic)! }, (_, partition) => ({ topic, partition, offset: 0 })),
  );
  await commitOffsets(log, plan.job, starts);
}

async function fenceTasks(log: LogAccess, plan: Plan): Promise<void> {
  if (plan.delivery !== "exactly-once") return;
  const counts = new Map((await log.describeTopics()).map(({ topic, partitions }) => [topic, partitions]));
  for (const { id } of tasksOf(plan, counts)) {
    const producer = await log.openTransactionalProducer(transactionalId(plan.job, id));
    await producer.close();
  }
}

async function untilDeleted(log: LogAccess, gone: ReadonlySet<string>, clock: Clock): Promise<void> {
  const giveUpAtMs = clock.now() + DELETED_WITHIN_MS;
  for (;;) {
    const left = (await log.describeTopics()).filter(({ topic }) => gone.has(topic));
    if (left.length === 0) return;
    if (clock.now() >= giveUpAtMs) {
      throw new MulgilError(
        `the brokers have not deleted ${left.map(({ topic }) => topic).join(", ")} yet: give the command again in a while; the job does not start before it is through`,
        { code: "RESET_UNFINISHED" },
      );
    }
    await clock.sleep(LOOK_EVERY_MS);
  }
}

/** All of them, or none. Without metadata, as tools do: an offset is then taken as it is. */
async function commitOffsets(log: LogAccess, job: string, offsets: readonly PartitionOffset[]): Promise<void> {
  if (offsets.length === 0) return;
  const producer = await log.openTransactionalProducer(`mulgil.reset/${job}`);
  try {
    await producer.begin();
    await producer.sendOffsets(
      job,
      offsets.map((offset) => ({ ...offset, metadata: "" })),
    );
    await producer.commit();
  } finally {
    await producer.close();
  }
}
