import { configEntries } from "../log/kafka/config-entries.ts";
import type { TopicSpec } from "../log/port.ts";

/** What whoever looks after the cluster types to make a topic as Mulgil would. */
export function createCommand(wanted: TopicSpec): string {
  const { topic, partitions } = wanted;
  const settings = configEntries(wanted).map(({ name, value }) => `--config ${name}=${value}`);
  return ["kafka-topics.sh --create --topic", topic, "--partitions", partitions, ...settings].join(" ");
}

/** What they type to change settings of a topic that exists. */
export function alterCommand(topic: string, settings: Readonly<Record<string, string>>): string {
  const added = Object.entries(settings).map(
    ([name, value]) => `${name}=${value.includes(",") ? `[${value}]` : value}`,
  );
  return `kafka-configs.sh --alter --entity-type topics --entity-name ${topic} --add-config '${added.join(",")}'`;
}
