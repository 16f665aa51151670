import type { LogAccess, TopicSpec } from "../log/port.ts";
import { readPartition } from "../log/read-partition.ts";

/** Who changed what, when and why: one partition, so that what happened stands in order; kept for ever. Values are JSON, keys the ids of the changes. */
export const AUDIT: TopicSpec = {
  topic: "mulgil.audit",
  partitions: 1,
  config: { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: 86_400_000 },
};

/** One line of the audit trail. A change has two: "begun" stands there before anything is changed. Never holds a payload or a secret. */
export interface AuditRecord {
  /** The same for all lines of one change. */
  readonly id: string;
  readonly atMs: number;
  /** "ana@box-1" */
  readonly by: string;
  /** What was done, as the command is called: "dlq purge". */
  readonly action: string;
  /** To what: "job collection", "topic bank.raw, partitions 0 to 3". */
  readonly target: string;
  readonly why: string;
  readonly outcome: "begun" | "done" | "failed";
  /** As it was before, and is (or is to be) after; small. */
  readonly before?: unknown;
  readonly after?: unknown;
  /** Of a change that failed. */
  readonly error?: { readonly code: string; readonly message: string };
}

/** Writes a line. When it resolves the line survives a crash. */
export async function appendAudit(log: LogAccess, record: AuditRecord): Promise<void> {
  if (!(await hasAudit(log))) await log.ensureTopics([AUDIT]);
  const value = Buffer.from(JSON.stringify(record));
  await log.produce([
    {
      topic: AUDIT.topic,
      partition: 0,
      records: [{ key: Buffer.from(record.id), value, timestampMs: record.atMs }],
    },
  ]);
}

/** All lines, oldest first; none if nothing was ever changed. What is no line of Mulgil's is passed over. */
export async function readAudit(log: LogAccess): Promise<readonly AuditRecord[]> {
  if (!(await hasAudit(log))) return [];
  const found = await readPartition(log, { topic: AUDIT.topic, partition: 0 });
  return found.flatMap(({ value }) => auditRecordOf(value) ?? []);
}

async function hasAudit(log: LogAccess): Promise<boolean> {
  return (await log.describeTopics()).some(({ topic }) => topic === AUDIT.topic);
}

function auditRecordOf(value: Buffer | null): AuditRecord | undefined {
  try {
    const record = value === null ? undefined : (JSON.parse(value.toString()) as Partial<AuditRecord> | null);
    return typeof record?.id === "string" && typeof record.atMs === "number" && typeof record.action === "string"
      ? (record as AuditRecord)
      : undefined;
  } catch {
    return undefined;
  }
}
