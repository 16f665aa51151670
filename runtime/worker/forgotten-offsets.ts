import { MulgilError } from "../../schemas/mulgil-error.ts";
import { TaskMigratedError } from "../errors/errors.ts";
import type { CommittedOffset, LogAccess, TopicPartition } from "../log/port.ts";
import type { Plan, SubTopology } from "../plan/plan.ts";

/**
 * State without offsets: the brokers have forgotten how far a task had read (Kafka does after offsets.retention.minutes without members, 7 days by
 * default), or somebody deleted it, and to begin anew would add every record to what they have added already. Under exactly-once the first
 * changelog record is in one transaction with offsets, so there is no other way to get there. Sources with an `onGap` go on as that says.
 * @throws {MulgilError} OFFSETS_FORGOTTEN
 * @throws {TaskMigratedError} LOG_FENCED
 */
export async function refuseForgottenOffsets(options: {
  readonly log: Pick<LogAccess, "listOffsets" | "committedOffsets" | "openReader">;
  readonly plan: Plan;
  readonly subTopology: SubTopology;
  readonly partition: number;
  readonly committed: readonly CommittedOffset[];
}): Promise<void> {
  const { log, plan, subTopology, partition, committed } = options;
  if (plan.delivery !== "exactly-once" || committed.length > 0 || subTopology.stores.length === 0) return;
  const isFollowed = (topic: string) => plan.topics.find((each) => each.topic === topic)?.onGap !== undefined;
  if (subTopology.sources.every(isFollowed)) return;
  const changelogs = subTopology.stores.map(({ changelog }) => ({ topic: changelog, partition }));
  const filled = await firstWithRecords(log, changelogs);
  if (filled === undefined) return;
  const inputs = subTopology.sources.map((topic) => ({ topic, partition }));
  // What has come since the offsets were read is of a newer owner.
  if ((await log.committedOffsets(plan.job, inputs)).length > 0)
    throw new TaskMigratedError("another worker has started the task meanwhile", { code: "LOG_FENCED" });
  const stores = subTopology.stores.map(({ name }) => `--drop-store ${name}`).join(" ");
  throw new MulgilError(
    `job "${plan.job}" has state in "${filled.topic}" [${partition}], and no offset that says how far it had read ${subTopology.sources.join(", ")}: the brokers have forgotten it, or somebody deleted it, and to begin anew would count records twice. Set the offsets of its group "${plan.job}" to where it was; or delete its changelogs and start with ${stores}, to compute it anew from what the sources still have`,
    { code: "OFFSETS_FORGOTTEN", context: { topic: filled.topic, partition } },
  );
}

const POLL_WAIT_MS = 1_000;

/** Offsets do not tell: what was aborted, and markers, have some too. */
async function firstWithRecords(
  log: Pick<LogAccess, "listOffsets" | "openReader">,
  partitions: readonly TopicPartition[],
): Promise<TopicPartition | undefined> {
  const starts = await log.listOffsets(partitions, "earliest", "read_committed");
  const ends = await log.listOffsets(partitions, "latest", "read_committed");
  const unread = new Map(
    ends.filter(({ offset }, index) => offset > starts[index]!.offset).map((end) => [end.topic, end.offset]),
  );
  if (unread.size === 0) return undefined;
  const reader = await log.openReader({ isolation: "read_committed" });
  try {
    reader.assign(starts.filter(({ topic }) => unread.has(topic)));
    while (unread.size > 0) {
      for (const { topic, partition, records, nextOffset } of await reader.poll(POLL_WAIT_MS)) {
        if (records.length > 0) return { topic, partition };
        if (nextOffset >= (unread.get(topic) ?? 0)) unread.delete(topic);
      }
    }
    return undefined;
  } finally {
    await reader.close();
  }
}
