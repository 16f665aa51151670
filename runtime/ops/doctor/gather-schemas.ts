import { avroNodeOf } from "../../../schemas/avro-node.ts";
import { checkCanRead } from "../../../schemas/compatibility.ts";
import { type RegisteredSchema, type SchemaRegistry, subjectOfValue } from "../../../schemas/registry.ts";
import type { Plan, PlannedTopic } from "../../plan/plan.ts";
import type { Attempts } from "./attempts.ts";
import type { Failure, RegistryFacts, SubjectFacts } from "./facts.ts";

const ANSWER_MAX_MS = 10_000;

export interface GatherSchemasOptions {
  readonly registry: SchemaRegistry;
  readonly where: string;
  readonly plans: readonly Plan[];
  readonly attempts: Attempts;
}

/** What the registry has of the topics of the plans; asked once for each. */
export async function registryFacts({
  registry,
  where,
  plans,
  attempts,
}: GatherSchemasOptions): Promise<RegistryFacts> {
  const asked = await attempts.within(ANSWER_MAX_MS, "read the schemas", () => subjectsOf(registry, plans));
  return "failure" in asked
    ? { where, problem: asked.failure satisfies Failure, subjects: [] }
    : { where, problem: undefined, subjects: asked.result };
}

interface Wanted {
  readonly planned: PlannedTopic & { readonly schema: string };
  readonly job: string;
}

async function subjectsOf(registry: SchemaRegistry, plans: readonly Plan[]): Promise<readonly SubjectFacts[]> {
  // Proves that it answers, also where no plan names a schema.
  const known = new Set(await registry.subjects());
  const wanted = plans.flatMap(({ job, topics }) =>
    topics.flatMap((planned): Wanted[] =>
      planned.schema !== undefined && (planned.role === "source" || planned.role === "sink")
        ? [{ job, planned: { ...planned, schema: planned.schema } }]
        : [],
    ),
  );
  const byTopic = Map.groupBy(wanted, ({ planned }) => planned.topic);
  return await Promise.all(
    [...byTopic].map(async ([topic, users]) => {
      const subject = subjectOfValue(topic);
      const versions = known.has(subject) ? await registry.versions(subject) : [];
      return {
        ...{ topic, subject, planned: users[0]!.planned.schema },
        jobs: [...new Set(users.map(({ job }) => job))],
        ...comparison(versions),
      };
    }),
  );
}

function comparison(
  versions: readonly RegisteredSchema[],
): Pick<SubjectFacts, "latest" | "newerUnreadable" | "olderUnreadable"> {
  const latest = versions.at(-1);
  if (latest === undefined) return { latest: undefined, newerUnreadable: [], olderUnreadable: [] };
  const before = versions.at(-2);
  const earlier = versions
    .slice(0, -1)
    .flatMap(({ version, avro }) =>
      checkCanRead(latest.avro, avro).map(({ path, message }) => `version ${version}, ${path}: ${message}`),
    );
  return {
    latest: { version: latest.version, name: nameOf(latest) },
    newerUnreadable:
      before === undefined
        ? []
        : checkCanRead(before.avro, latest.avro).map(({ path, message }) => `${path}: ${message}`),
    olderUnreadable: earlier,
  };
}

function nameOf({ avro }: RegisteredSchema): string {
  const node = avroNodeOf(avro);
  return "name" in node && typeof node.name === "string" ? node.name : node.kind;
}
