import { formatDuration, parseDuration } from "../dsl/duration.ts";
import { connectedTo } from "../dsl/standing-alone.ts";
import type { CallNode, Node } from "../dsl/topology.ts";
import { readWindows } from "../dsl/window-spec.ts";
import type { Issue } from "../errors/errors.ts";
import { readPolicy } from "../resilience/read-policy.ts";
import { retryTopic } from "./internal-topics.ts";

const TIERS_MAX = 10;

/** What is wrong with the calls of a job. Policies that are functions of the institution are read when it is called. */
export function callIssues(nodes: readonly Node[]): readonly Issue[] {
  return nodes
    .filter((node) => node.kind === "call")
    .flatMap((node) => [
      ...tierIssues(node),
      ...limitIssues(node),
      ...orderIssues(node),
      ...policyIssues(node),
      ...mergeIssues(node, nodes),
    ]);
}

function tierIssues({ id, tiers }: CallNode): Issue[] {
  const issue = (message: string): Issue => ({ code: "JOB_CALL_TIERS", at: id, message });
  if (tiers.length === 0 || tiers.length > TIERS_MAX)
    return [issue(`has ${tiers.length} tiers: name 1 to ${TIERS_MAX} delays, like ["10 seconds", "1 minute"]`)];
  const delaysMs = tiers.map((delay) => parseDuration(delay));
  const unread = tiers.filter((_delay, index) => !((delaysMs[index] ?? 0) > 0));
  if (unread.length > 0)
    return [
      issue(`tiers ${unread.map((delay) => `"${delay}"`).join(", ")} are no delays: write them like "10 seconds"`),
    ];
  const isAscending = delaysMs.every((delayMs, index) => index === 0 || delayMs! > delaysMs[index - 1]!);
  if (!isAscending) return [issue(`tiers ${tiers.join(", ")} must ascend, and no two be equal`)];
  const names = new Set(tiers.map((delay) => retryTopic("", id, delay)));
  return names.size === tiers.length
    ? []
    : [issue(`tiers ${tiers.join(", ")} have topics of the same name: write them in whole numbers, "90 seconds"`)];
}

function limitIssues({ id, concurrency, admittedMax, heldMax }: CallNode): Issue[] {
  return Object.entries({ concurrency, admittedMax, heldMax })
    .filter(([, value]) => !(Number.isSafeInteger(value) && value >= 1))
    .map(([name, value]) => ({
      code: "JOB_CALL_LIMIT",
      at: id,
      message: `${name} is ${String(value)}: give a whole number from 1 on`,
    }));
}

function orderIssues({ id, order, orderKey, version }: CallNode): Issue[] {
  const issue = (message: string): Issue => ({ code: "JOB_CALL_ORDER", at: id, message });
  if (order !== "strict" && order !== "lastSuccessWins")
    return [issue(`order "${String(order)}" is unknown: use "strict" or "lastSuccessWins"`)];
  if (order === "lastSuccessWins" && orderKey === undefined)
    return [issue(`"lastSuccessWins" needs an orderKey: it says which records replace each other`)];
  if (version !== undefined && order !== "lastSuccessWins")
    return [issue(`version has a meaning with order "lastSuccessWins" only: remove it, or change the order`)];
  return [];
}

function policyIssues({ id, policy }: CallNode): Issue[] {
  if (typeof policy === "function") return [];
  return readPolicy(policy).problems.map(({ code, path, message }) => ({ code, at: `${id}.policy.${path}`, message }));
}

/**
 * What was tried again is old when it succeeds: in a window behind the call it would be late, and the result would lack it. A grace as long as records are
 * tried, or somebody who reads what is late, makes it right.
 */
export function windowsBehindCalls(nodes: readonly Node[]): readonly Issue[] {
  const isBehind = new Map<string, CallNode>();
  const issues: Issue[] = [];
  for (const node of nodes) {
    const call = node.kind === "call" ? node : node.inputs.map(({ node: id }) => isBehind.get(id)).find(Boolean);
    if (call === undefined) continue;
    isBehind.set(node.id, call);
    if (node.kind !== "aggregate" || node.windows === undefined) continue;
    const graceMs = readWindows(node.windows).spec?.graceMs ?? Infinity;
    const isLateRead = nodes.some(({ inputs }) =>
      inputs.some(({ node: id, edge }) => id === node.id && edge === "late"),
    );
    const longestMs = longestTrialMs(call);
    if (isLateRead || graceMs >= longestMs) continue;
    issues.push({
      code: "JOB_CALL_WINDOW",
      at: node.id,
      message: `records that "${call.id}" tried again can be ${formatDuration(longestMs)} old when they get here, and the grace is ${formatDuration(graceMs)}: give the windows a grace as long, read what is late with .late, or aggregate without windows by a key that has the time in it`,
    });
  }
  return issues;
}

/** How long a record is tried at most, where one policy is for all; else as by default. */
function longestTrialMs({ policy }: CallNode): number {
  return readPolicy(typeof policy === "function" ? {} : policy).policy.retry.ageMaxMs;
}

/** A call has its tasks to itself: what it reads besides would be committed with it, and wait for it. */
function mergeIssues(call: CallNode, nodes: readonly Node[]): Issue[] {
  const connected = connectedTo(nodes, call);
  const inputs = connected.filter(({ kind }) => kind === "source" || kind === "table" || kind === "repartition");
  const calls = connected.filter(({ kind }) => kind === "call");
  if (inputs.length === 1 && calls.length === 1) return [];
  return [
    {
      code: "JOB_CALL_MERGED",
      at: call.id,
      message: `the results of "${call.id}" are merged with records from elsewhere: write both to the same topic with to() instead, or read them together in another job`,
    },
  ];
}
