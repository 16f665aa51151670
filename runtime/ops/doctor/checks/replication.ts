import type { Replication } from "../../../log/port.ts";
import type { Facts } from "../facts.ts";
import type { Finding, Severity } from "../finding.ts";
import { listed } from "../words.ts";

interface Rule {
  readonly severity: Severity;
  readonly applies: (replication: Replication) => boolean;
  readonly what: string;
  readonly todo: string;
}

/** The first that applies to a topic. */
const RULES: readonly Rule[] = [
  {
    severity: "error",
    applies: ({ withoutLeader }) => withoutLeader.length > 0,
    what: "topics have partitions without a leader: these can be neither read nor written",
    todo: "bring the brokers back that have their copies",
  },
  {
    severity: "error",
    applies: ({ inSync, inSyncMin }) => inSync < inSyncMin,
    what: "topics have fewer copies in sync than min.insync.replicas: nothing can be written to them",
    todo: "bring the brokers back whose copies are behind",
  },
  {
    severity: "warning",
    applies: ({ inSync, copies }) => inSync < copies,
    what: "topics have copies that are not in sync",
    todo: "look which broker is away or slow",
  },
  {
    severity: "warning",
    applies: ({ copies }) => copies === 1,
    what: "topics have one copy: with its broker they are lost",
    todo: "use a replication factor of 3 (MULGIL_KAFKA_REPLICATION_FACTOR for topics that jobs make), and reassign those that exist",
  },
  {
    severity: "warning",
    applies: ({ copies, inSyncMin }) => copies === inSyncMin,
    what: "topics need all their copies in sync (min.insync.replicas): no broker may be away",
    todo: "set min.insync.replicas one below the number of copies",
  },
];

/** The copies of topics that jobs use. */
export function checkReplication({ jobs, topics }: Facts): readonly Finding[] {
  const used = new Set(jobs.flatMap(({ plan }) => plan.topics.map(({ topic }) => topic)));
  const byRule = Map.groupBy(
    [...topics.values()].filter(({ topic, replication }) => used.has(topic) && replication !== undefined),
    ({ replication }) => RULES.find(({ applies }) => applies(replication!)),
  );
  return [...byRule].flatMap(([rule, found]): Finding[] => {
    if (rule === undefined) return [];
    const { severity, what, todo } = rule;
    const evidence = found.slice(0, 5).map(({ topic, replication }) => evidenceOf(topic, replication!));
    const names = listed(found.map(({ topic }) => topic));
    return [{ check: "replication", severity, what: `${what}: ${names}`, where: {}, evidence, ageMs: undefined, todo }];
  });
}

const evidenceOf = (topic: string, { copies, inSync, inSyncMin, withoutLeader }: Replication): string =>
  `${topic}: copies ${copies}, in sync ${inSync}, min.insync.replicas ${inSyncMin}${withoutLeader.length === 0 ? "" : `, no leader for ${withoutLeader.join(", ")}`}`;
