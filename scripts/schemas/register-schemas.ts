import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { SchemaRegistry } from "../../schemas/registry.ts";
import { schemaDiff } from "../../schemas/schema-diff.ts";
import type { Change } from "../change/change.ts";
import { schemaChangeLine } from "../deploy/deploy-text.ts";
import type { SchemaCheck } from "./check-schemas.ts";
import type { LocalSubject } from "./schema-subjects.ts";
import { issueText } from "./schemas-text.ts";

/** @throws {MulgilError} SCHEMA_INCOMPATIBLE with everything that does not fit */
export function assertFitting(checks: readonly SchemaCheck[]): void {
  const lines = checks.flatMap(({ file, issues }) => issues.map((issue) => `\n  ${file}, ${issueText(issue)}`));
  if (lines.length === 0) return;
  throw new MulgilError(
    `nothing was registered: records of the topics could not be read, or their readers could not read what is written:${lines.join("")}`,
    { code: "SCHEMA_INCOMPATIBLE" },
  );
}

/** Registers local files under their subjects; what it returns are lines for people. */
export function registration(registry: SchemaRegistry, fresh: readonly LocalSubject[]): Change<readonly string[]> {
  const latest = ({ subject, versions }: LocalSubject) => ({ subject, version: versions.at(-1)?.version ?? 0 });
  return {
    action: "schemas register",
    target: fresh.map(({ subject }) => subject).join(", "),
    preview: fresh.flatMap(previewOf),
    before: fresh.map(latest),
    after: fresh.map(latest).map(({ subject, version }) => ({ subject, version: version + 1 })),
    async apply() {
      const lines: string[] = [];
      for (const { subject, local } of fresh) {
        const id = await registry.register(subject, local.value);
        lines.push(`registered ${local.file} as ${subject}, id ${id}`);
      }
      return lines;
    },
  };
}

function previewOf({ subject, local, versions }: LocalSubject): readonly string[] {
  const latest = versions.at(-1);
  if (latest === undefined) return [`${local.file}: version 1 of ${subject}`];
  const changes = schemaDiff(latest.avro, local.value).map((each) => `  ${schemaChangeLine(each)}`);
  return [`${local.file}: version ${latest.version} → ${latest.version + 1} of ${subject}`, ...changes];
}
