import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { TopicPartition } from "../log/port.ts";

/** A part of a changelog that a restore needs and that is not there: nothing but a guess could go on from the rest. */
export const changelogGap = (
  { topic, partition }: TopicPartition,
  store: string,
  from: number,
  to: number,
): MulgilError =>
  new MulgilError(
    `changelog "${topic}" partition ${partition} lacks the records from ${from} to ${to - 1}, which store "${store}" is made of: somebody has removed them, or the brokers have lost them. Restore the topic; or, knowing that results will lack what the store held, delete it and start with --drop-store ${store}`,
    { code: "CHANGELOG_GAP", context: { topic, partition, store, offset: from } },
  );
