import { avroTypeOf } from "../../schemas/avro-type.ts";
import type { Schema } from "../../schemas/schema.ts";
import type { Aggregator, AggregatorTree } from "../dsl/aggregators.ts";
import type { Job } from "../dsl/define-job.ts";
import { parseDuration } from "../dsl/duration.ts";
import type { AggregateNode, Node, ProcessNode, SinkNode, UserAggregate } from "../dsl/topology.ts";
import { readWindows } from "../dsl/window-spec.ts";
import type { Issue } from "../errors/errors.ts";
import { callIssues, windowsBehindCalls } from "./validate-calls.ts";
import { topicIssues } from "./validate-topics.ts";

const STANDBYS_MAX = 10;

/**
 * Everything that is wrong with a job's definition, in order of definition: each with a code, the step, and what to do.
 * An empty list means that the job can be compiled; what only the log knows (topics, partitions) is checked at start.
 */
export function validate(job: Job): readonly Issue[] {
  const { nodes } = job.topology;
  return [
    ...jobIssues(job),
    ...job.topology.issues,
    ...nodes.flatMap(nodeIssues),
    ...callIssues(nodes),
    ...windowsBehindCalls(nodes),
    ...topicIssues(job.name, nodes),
    ...deadEnds(nodes),
  ];
}

function jobIssues(job: Job): Issue[] {
  const issues: Issue[] = [];
  if (!/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,99}$/.test(job.name)) {
    issues.push({
      code: "JOB_NAME",
      at: job.name || "(empty)",
      message: "a job's name is in topics and directories: use 1 to 100 letters, digits, dots, dashes and underscores",
    });
  }
  if (!Number.isInteger(job.version) || job.version < 1) {
    issues.push({
      code: "JOB_VERSION",
      at: job.name,
      message: `version ${job.version} is no version: count 1, 2, 3, …`,
    });
  }
  const commitEveryMs = parseDuration(job.commitEvery);
  if (commitEveryMs === undefined || commitEveryMs < 1 || commitEveryMs > 60 * 60_000) {
    issues.push({
      code: "JOB_COMMIT_EVERY",
      at: job.name,
      message: `commitEvery "${job.commitEvery}" must be a duration between 1 ms and 1 hour, like "1 second"`,
    });
  }
  if (!Number.isInteger(job.standbys) || job.standbys < 0 || job.standbys > STANDBYS_MAX) {
    issues.push({
      code: "JOB_STANDBYS",
      at: job.name,
      message: `standbys ${String(job.standbys)} must be a whole number from 0 to ${STANDBYS_MAX}: copies of the state beside the one that works`,
    });
  }
  if (job.delivery !== "exactly-once" && job.delivery !== "at-least-once") {
    issues.push({
      code: "JOB_DELIVERY",
      at: job.name,
      message: `delivery "${String(job.delivery)}" is unknown: use "exactly-once" or "at-least-once"`,
    });
  }
  if (job.topology.nodes.length === 0) {
    issues.push({ code: "JOB_EMPTY", at: job.name, message: "flow() reads nothing: open a topic with from(topic)" });
  }
  return issues;
}

function nodeIssues(node: Node): Issue[] {
  switch (node.kind) {
    case "aggregate":
      return aggregateIssues(node);
    case "process":
      return processIssues(node);
    case "sink":
      return sinkIssues(node);
    case "repartition":
      return node.shape.schema === undefined ? [] : schemaIssues(node.shape.schema, node.id);
    default:
      return [];
  }
}

function aggregateIssues(node: AggregateNode): Issue[] {
  const issues: Issue[] = [];
  const spec = node.windows === undefined ? undefined : readWindows(node.windows);
  for (const problem of spec?.problems ?? []) issues.push({ ...problem, at: node.id });
  if (node.emit === "on-close" && node.windows === undefined) {
    issues.push({
      code: "JOB_EMIT",
      at: node.id,
      message: `emit "on-close" needs a window: without one nothing ever closes; use "on-commit" or "every-change"`,
    });
  }
  if (!["every-change", "on-commit", "on-close"].includes(node.emit)) {
    issues.push({
      code: "JOB_EMIT",
      at: node.id,
      message: `emit "${String(node.emit)}" is unknown: use "every-change", "on-commit" or "on-close"`,
    });
  }
  const merges = node.windows?.kind === "session";
  if ("user" in node.aggregators && node.aggregators.user === true)
    issues.push(...userAggregateIssues(node.id, node.aggregators as UserAggregate, merges));
  else issues.push(...aggregatorIssues(node.id, node.aggregators as AggregatorTree<never>, merges));
  return issues;
}

function userAggregateIssues(at: string, aggregate: UserAggregate, merges: boolean): Issue[] {
  const issues: Issue[] = [];
  if (aggregate.schema === undefined) {
    issues.push({
      code: "JOB_SCHEMA_MISSING",
      at,
      message: `the accumulator of "${at}" is stored, but its schema is not known: give it "schema", or for reduce give the map in front its schema`,
    });
  } else issues.push(...schemaIssues(aggregate.schema, at));
  if (merges && aggregate.merge === undefined) {
    issues.push({
      code: "JOB_MERGE_MISSING",
      at,
      message: `sessions of "${at}" can merge: add merge(left, right) to the aggregate`,
    });
  }
  return issues;
}

function aggregatorIssues(at: string, tree: AggregatorTree<never>, merges: boolean): Issue[] {
  const entries = Object.entries(tree);
  if (entries.length === 0)
    return [
      { code: "JOB_AGGREGATOR", at, message: "the aggregate has no quantities: add one, like { payments: count() }" },
    ];
  return entries.flatMap(([name, item]) => {
    if (typeof item !== "object" || item === null) {
      return [
        { code: "JOB_AGGREGATOR", at: `${at}.${name}`, message: "is no aggregator: use count(), sum(…), min(…), …" },
      ];
    }
    if (!isAggregator(item)) return aggregatorIssues(`${at}.${name}`, item, merges);
    const { options } = item;
    const issues: Issue[] = [];
    if (options?.of !== undefined) issues.push(...aggregatorIssues(`${at}.${name}`, options.of, merges));
    if (options?.schema !== undefined) issues.push(...schemaIssues(options.schema, `${at}.${name}`));
    if (options?.limit !== undefined && !(Number.isInteger(options.limit) && options.limit > 0)) {
      issues.push({
        code: "JOB_AGGREGATOR",
        at: `${at}.${name}`,
        message: `limit ${options.limit} must be a positive whole number`,
      });
    }
    if (options?.scale !== undefined && !(Number.isInteger(options.scale) && options.scale >= 0)) {
      issues.push({
        code: "JOB_AGGREGATOR",
        at: `${at}.${name}`,
        message: `scale ${options.scale} must be a whole number of digits, 0 or more`,
      });
    }
    if (merges && item.kind === "aggregate" && options?.merge === undefined) {
      issues.push({
        code: "JOB_MERGE_MISSING",
        at: `${at}.${name}`,
        message: "sessions can merge: add merge(left, right) to accumulate()",
      });
    }
    return issues;
  });
}

const isAggregator = (item: Aggregator<never, unknown> | AggregatorTree<never>): item is Aggregator<never, unknown> =>
  typeof item.kind === "string";

function processIssues(node: ProcessNode): Issue[] {
  const issues = Object.entries(node.stores).flatMap(([name, store]) =>
    schemaIssues(store.schema, `${node.id}.${name}`),
  );
  for (const name of Object.keys(node.stores)) {
    if (!/^[a-zA-Z0-9_-]{1,64}$/.test(name) || name === "timers") {
      issues.push({
        code: "JOB_STORE_NAME",
        at: `${node.id}.${name}`,
        message: `"${name}" cannot name a store: use letters, digits, dashes and underscores, and not "timers"`,
      });
    }
  }
  if (Object.keys(node.timers).length > 0 && node.onTimer === undefined) {
    issues.push({
      code: "JOB_TIMER_HANDLER",
      at: node.id,
      message: `"${node.id}" has timers but no onTimer: add one, or remove the timers`,
    });
  }
  return issues;
}

function sinkIssues(node: SinkNode): Issue[] {
  const { topic } = node;
  if (topic.keyType === undefined && topic.key === undefined && node.keyType !== null) return [];
  if (node.keyType === null && (topic.key !== undefined || topic.keyType !== undefined)) {
    return [
      {
        code: "JOB_SINK_KEY",
        at: topic.name,
        message: `records without a key go to "${topic.name}", which has one: use keyBy in front of to()`,
      },
    ];
  }
  return [];
}

function schemaIssues(schema: Schema<unknown>, at: string): Issue[] {
  try {
    avroTypeOf(schema.avro);
    return [];
  } catch (error) {
    return [
      {
        code: "JOB_SCHEMA_INVALID",
        at,
        message: `its Avro schema cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      },
    ];
  }
}

/** Steps whose records go nowhere: nearly always a forgotten to(). */
function deadEnds(nodes: readonly Node[]): Issue[] {
  const read = new Set(
    nodes.flatMap((node) => [...node.inputs.map((input) => input.node), ...(node.kind === "join" ? [node.table] : [])]),
  );
  const ends = new Set(["sink", "peek", "process", "aggregate", "table", "call"]);
  return nodes
    .filter((node) => !read.has(node.id) && !ends.has(node.kind))
    .map((node) => ({
      code: "JOB_DEAD_END",
      at: node.id,
      message: `the records of "${node.id}" go nowhere: write them with to(topic), or remove the step`,
    }));
}
