import type { LogAccess } from "../../runtime/log/port.ts";
import { carriedSchemas, countCarriedSchemas } from "../../runtime/ops/carried-schemas.ts";
import { checkVersions, type VersionIssue } from "../../schemas/compatible-versions.ts";
import { WorkProgress } from "../output/work-progress.ts";
import { type LocalSubject, versionOfFile } from "./schema-subjects.ts";

/** What came of checking one local file. */
export interface SchemaCheck {
  readonly file: string;
  readonly topic: string;
  readonly subject: string;
  /** "registered": it is a version of the subject. "new": it would be the next. */
  readonly status: "registered" | "new";
  /** The version that it is, or would be. */
  readonly version: number;
  /** Versions that records of the topic may carry, as far as anybody looked. */
  readonly carried: readonly CarriedVersion[];
  /** Ids that records carry and that are not of the subject: they were written with another registry, or by somebody else. */
  readonly foreignIds: readonly number[];
  /** Empty if it fits. */
  readonly issues: readonly VersionIssue[];
}

interface CarriedVersion {
  readonly version: number;
  readonly id: number;
  /** Undefined if nobody has counted. */
  readonly records?: number;
}

/** Checks a local file against every version that records of its topic may carry. `isScanning`: by reading all of them. */
export async function checkSchema(log: LogAccess, subject: LocalSubject, isScanning: boolean): Promise<SchemaCheck> {
  const { local, versions, compatibility } = subject;
  const counts = isScanning ? await counted(log, subject) : undefined;
  const ids = counts === undefined ? await carriedSchemas(log, subject.described) : new Set(counts.keys());
  const registered = versionOfFile(subject);
  // The rule is about the next version; what is registered already is only held to what records carry.
  const rule = registered === undefined ? compatibility : "NONE";
  const carried = versions.filter(({ id }) => ids === undefined || ids.has(id));
  return {
    ...{ file: local.file, topic: local.topic, subject: subject.subject },
    status: registered === undefined ? "new" : "registered",
    version: registered?.version ?? (versions.at(-1)?.version ?? 0) + 1,
    carried: carried.map(({ version, id }) => ({ version, id, ...(counts && { records: counts.get(id) ?? 0 }) })),
    foreignIds: [...(counts?.keys() ?? [])].filter((id) => !versions.some((version) => version.id === id)),
    issues: checkVersions({ avro: local.value, versions, rule, carried: ids }),
  };
}

async function counted(log: LogAccess, { described }: LocalSubject): Promise<ReadonlyMap<number, number>> {
  if (described === undefined) return new Map();
  const progress = new WorkProgress(`records of ${described.topic} looked at`);
  try {
    return await countCarriedSchemas(log, described, (done, total) => progress.show(done, total));
  } finally {
    progress.close();
  }
}
