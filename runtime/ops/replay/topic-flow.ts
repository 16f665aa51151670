import type { Plan } from "../../plan/plan.ts";

interface Hop {
  readonly topic: string;
  /** How it is reached: "job a → topic b → …" */
  readonly path: readonly string[];
}

/** How records of one topic reach another through jobs that ever ran: "job a → topic b → job c → topic d"; undefined if they do not. */
export function loopThrough(plans: readonly Plan[], from: string, to: string): string | undefined {
  const seen = new Set([from]);
  const open: Hop[] = [{ topic: from, path: [] }];
  for (let hop = open.shift(); hop !== undefined; hop = open.shift()) {
    for (const { job, topic } of writtenBecauseOf(plans, hop.topic)) {
      const path = [...hop.path, `job ${job}`, `topic ${topic}`];
      if (topic === to) return path.join(" → ");
      if (seen.has(topic)) continue;
      seen.add(topic);
      open.push({ topic, path });
    }
  }
  return undefined;
}

function writtenBecauseOf(plans: readonly Plan[], source: string): { readonly job: string; readonly topic: string }[] {
  return plans.flatMap(({ job, topics }) =>
    topics.some(({ topic, role }) => topic === source && role === "source")
      ? topics.flatMap(({ topic, role }) => (role === "sink" || role === "dlq" ? [{ job, topic }] : []))
      : [],
  );
}
