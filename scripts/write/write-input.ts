import type { LogAccess } from "../../runtime/log/port.ts";
import type { SchemaRegistry } from "../../schemas/registry.ts";
import type { Input } from "../input/open-input.ts";
import { TopicSchemas } from "../topics/topic-schemas.ts";
import { createRecordEncoder } from "./record-encoder.ts";
import { Rejects } from "./rejects.ts";
import { writeRows } from "./write-rows.ts";

export interface WriteInputOptions {
  readonly log: LogAccess;
  readonly registry: SchemaRegistry;
  readonly topic: string;
  readonly input: Input;
  readonly schemasDir: string;
  readonly schemaFile?: string | undefined;
  readonly isEnvelope?: boolean;
  /** Refuse rows with fields that the schema does not have, instead of leaving the fields out. */
  readonly isStrict?: boolean;
  readonly rejectsFile: string;
  readonly now: () => number;
  readonly say: (line: string) => void;
  readonly signal?: AbortSignal;
  readonly onWritten?: (records: number) => void;
}

export interface WriteResult {
  readonly topic: string;
  readonly written: number;
  readonly rejected: number;
  /** Where the rejected rows are; absent if there are none. */
  readonly rejects?: string;
  readonly partitions: number;
  /** Fields of the input that the schema does not have: they were left out. */
  readonly unknownFields: readonly string[];
}

const UNKNOWN_FIELDS_MAX = 20;
const DELETE_RETENTION_MS = 7 * 86_400_000;

/** Writes a file to a topic, which is created as its schema declares it. */
export async function writeInput(options: WriteInputOptions): Promise<WriteResult> {
  const { log, registry, topic, input, now } = options;
  const target = await new TopicSchemas(options).forWriting(topic, options.schemaFile);
  const partitions = await ensureTopic(log, topic, target.partitions);
  const unknown = new Set<string>();
  const encode = await createRecordEncoder({
    target,
    partitions,
    registry,
    format: input.format,
    isEnvelope: options.isEnvelope ?? false,
    isStrict: options.isStrict ?? false,
    onUnknownField: (name) => unknown.size < UNKNOWN_FIELDS_MAX && unknown.add(name),
    now,
  });
  const rejects = new Rejects(options.rejectsFile, options.say);
  try {
    const written = await writeRows({ ...options, rows: input.rows, encode, rejects });
    const rejected = { rejected: rejects.count, ...(rejects.count > 0 && { rejects: rejects.file }) };
    return { topic, written, ...rejected, partitions, unknownFields: [...unknown] };
  } finally {
    await rejects.close();
  }
}

/** An existing topic keeps its partitions, whatever the schema says. What we create keeps everything. */
async function ensureTopic(log: LogAccess, topic: string, partitions: number): Promise<number> {
  const existing = (await log.describeTopics()).find((each) => each.topic === topic);
  if (existing !== undefined) return existing.partitions;
  const config = { cleanupPolicy: "delete", retentionMs: -1, deleteRetentionMs: DELETE_RETENTION_MS } as const;
  await log.ensureTopics([{ topic, partitions, config }]);
  return partitions;
}
