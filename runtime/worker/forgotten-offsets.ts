import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { CommittedOffset, LogAccess } from "../log/port.ts";
import type { Plan, SubTopology } from "../plan/plan.ts";

/**
 * State without offsets: the brokers have forgotten how far a task had read (Kafka does after offsets.retention.minutes without members, 7 days by
 * default), or somebody deleted it, and to begin anew would add every record to what they have added already. Under exactly-once the first
 * changelog record is in one transaction with offsets, so there is no other way to get there. Sources with an `onGap` go on as that says.
 * @throws {MulgilError} OFFSETS_FORGOTTEN
 */
export async function refuseForgottenOffsets(options: {
  readonly log: Pick<LogAccess, "listOffsets">;
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
  const starts = await log.listOffsets(changelogs, "earliest", "read_committed");
  const ends = await log.listOffsets(changelogs, "latest", "read_committed");
  const filled = changelogs.find((_, index) => ends[index]!.offset > starts[index]!.offset);
  if (filled === undefined) return;
  const stores = subTopology.stores.map(({ name }) => `--drop-store ${name}`).join(" ");
  throw new MulgilError(
    `job "${plan.job}" has state in "${filled.topic}" [${partition}], and no offset that says how far it had read ${subTopology.sources.join(", ")}: the brokers have forgotten it, or somebody deleted it, and to begin anew would count records twice. Set the offsets of its group "${plan.job}" to where it was; or delete its changelogs and start with ${stores}, to compute it anew from what the sources still have`,
    { code: "OFFSETS_FORGOTTEN", context: { topic: filled.topic, partition } },
  );
}
