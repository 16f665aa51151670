import { checkCanRead } from "./compatibility.ts";
import type { Compatibility, RegisteredSchema } from "./registry.ts";
import type { AvroJson } from "./schema.ts";

/** Why a schema does not fit one version of its subject. */
export interface VersionIssue {
  readonly version: number;
  /** "reads": the new schema could not read what the version wrote. "is read": readers with the version could not read what the new schema writes. */
  readonly direction: "reads" | "is read";
  readonly path: string;
  readonly message: string;
}

export interface CompatibleVersionsOptions {
  readonly avro: AvroJson;
  /** Of the subject, oldest first. */
  readonly versions: readonly RegisteredSchema[];
  /** The subject's rule; undefined if only the registry knows. */
  readonly rule: Compatibility | undefined;
  /** Ids of schemas that records may carry; undefined if any version may. */
  readonly carried: ReadonlySet<number> | undefined;
}

/**
 * Everything that speaks against a new schema: versions that records still carry and that it cannot read, whatever the rule of the subject is, and
 * what the rule demands besides. A registry with a rule that is not transitive looks at the latest version only, so it would let a schema in that
 * cannot read the oldest records of the topic. Empty if it fits.
 */
export function checkVersions({ avro, versions, rule, carried }: CompatibleVersionsOptions): readonly VersionIssue[] {
  const latest = versions.at(-1);
  const concerns = (version: RegisteredSchema, isDemanded: boolean, isTransitive: boolean): boolean =>
    isDemanded && (isTransitive || version === latest);
  const isTransitive = rule?.endsWith("_TRANSITIVE") === true;
  const isBackward = rule !== "NONE" && rule?.startsWith("FORWARD") !== true;
  const isForward = rule?.startsWith("F") === true;
  return versions.flatMap((version) => [
    ...(carried === undefined || carried.has(version.id) || concerns(version, isBackward, isTransitive)
      ? issues(version.version, "reads", avro, version.avro)
      : []),
    ...(concerns(version, isForward, isTransitive) ? issues(version.version, "is read", version.avro, avro) : []),
  ]);
}

const issues = (
  version: number,
  direction: VersionIssue["direction"],
  reader: AvroJson,
  writer: AvroJson,
): readonly VersionIssue[] => checkCanRead(reader, writer).map((issue) => ({ version, direction, ...issue }));
