import { NO_ASSIGNMENT } from "../../no-assignment.ts";
import type { GroupMember, MemberAssignment } from "../../port.ts";
import { WireReader } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

/** Version 0 of the consumer protocol: topics (or topics and partitions), then user data. Any Kafka tool can show it. */
const VERSION = 0;

/** What a member offers when it joins. */
export function encodeSubscription(topics: readonly string[], userData: Uint8Array): Buffer {
  const writer = new WireWriter().int16(VERSION);
  writer.array(topics, (topic) => writer.string(topic));
  return writer.bytes(Buffer.from(userData)).written;
}

export function decodeSubscription(memberId: string, metadata: Buffer): GroupMember {
  const reader = new WireReader(metadata);
  reader.int16();
  reader.array(() => reader.string());
  return { memberId, userData: Buffer.from(reader.raw(Math.max(0, reader.int32()))) };
}

export function encodeAssignment(assignment: MemberAssignment | undefined): Buffer {
  const { partitions, userData } = assignment ?? NO_ASSIGNMENT;
  const writer = new WireWriter().int16(VERSION);
  writer.array([...Map.groupBy(partitions, ({ topic }) => topic)], ([topic, ofTopic]) => {
    writer.string(topic);
    writer.array(ofTopic, ({ partition }) => writer.int32(partition));
  });
  return writer.bytes(Buffer.from(userData)).written;
}

/** A member for which the leader has nothing gets no bytes at all. */
export function decodeAssignment(bytes: Buffer): MemberAssignment {
  if (bytes.length === 0) return NO_ASSIGNMENT;
  const reader = new WireReader(bytes);
  reader.int16();
  const partitions = reader
    .array(() => {
      const topic = reader.string() ?? "";
      return reader.array(() => ({ topic, partition: reader.int32() }));
    })
    .flat();
  return { partitions, userData: Buffer.from(reader.raw(Math.max(0, reader.int32()))) };
}
