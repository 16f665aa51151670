import type { Facts } from "../facts.ts";
import type { Finding } from "../finding.ts";
import { counted, listed, waits } from "../words.ts";

/** Partitions that nobody reads. */
export function checkOwners({ jobs }: Facts): readonly Finding[] {
  return jobs.flatMap(({ overview, isPaused }): Finding[] => {
    const { job, group, members, tasks } = overview;
    const base = { check: "owners", where: { job }, ageMs: undefined } as const;
    const lag = tasks.flatMap(({ inputs }) => inputs).reduce((sum, input) => sum + input.lag, 0);
    if (group === "empty") {
      if (lag === 0 || isPaused) return [];
      return [
        {
          ...base,
          severity: "error",
          what: `nobody runs job "${job}", and ${waits(lag)} for it`,
          evidence: ["its group has no members"],
          todo: "start it (mulgil run), and see why it ended; or undeploy it if it is not wanted any more",
        },
      ];
    }
    if (group === "rebalancing")
      return [
        {
          ...base,
          severity: "note",
          what: `the workers of job "${job}" are dividing its tasks`,
          evidence: [counted(members.length, "member")],
          todo: "ask again in a minute: if it goes on, a worker joins and is lost again and again (see its log)",
        },
      ];
    const orphans = tasks.filter(({ memberId }) => memberId === undefined);
    return orphans.map((task) => {
      const [input] = task.inputs;
      return {
        ...base,
        severity: "error",
        what: `nobody owns ${listed(task.inputs.map(({ topic, partition }) => `${topic}/${partition}`))}, though job "${job}" has ${counted(members.length, "worker")}`,
        where: {
          ...{ job, task: task.task },
          ...(input !== undefined && { topic: input.topic, partition: input.partition }),
        },
        evidence: [
          `task ${task.task} is in no member's assignment`,
          ...task.inputs.map((each) => `${each.topic}/${each.partition} has a lag of ${each.lag}`),
        ],
        todo: "restart the worker that leads the group, or all of them, with one version of the job; if partitions were added to a topic, see TOPIC_PARTITIONS in docs/ERRORS.md",
      };
    });
  });
}
