import type { LogAccess } from "../../runtime/log/port.ts";
import { institutionsOf, jobsWithCircuits, readCircuits } from "../../runtime/ops/circuits-overview.ts";
import { readWantedStates } from "../../runtime/ops/control.ts";
import { describeJobs, type JobOverview } from "../../runtime/ops/job-overview.ts";
import { adviseScale, type JobSample, type SampledTask } from "../../runtime/ops/scale-advice.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { readPlans } from "../../runtime/worker/remembered-plans.ts";
import { assertJobKnown } from "../environment/known-jobs.ts";
import { assertLogExists, type LogLocation, withLog } from "../environment/open-log.ts";
import { type OutputFormat, printFormatted } from "../output/formatted.ts";
import { table } from "../output/table.ts";

interface AdviseOptions extends LogLocation {
  readonly sample: number;
  readonly output: OutputFormat;
}

/** Looks at a job, or at all, for as long as the sample is, and says how many workers help. */
export async function advise(job: string | undefined, { sample, output, ...where }: AdviseOptions): Promise<void> {
  assertLogExists(where);
  const samples = await withLog(where, ({ log }) => sampled(log, job, sample));
  const advices = samples.map(adviseScale);
  await printFormatted(advices, output, (all) =>
    all.length === 0 ? "no job has run here yet" : `${overview(all)}\n\n${reasons(all)}`,
  );
}

async function sampled(log: LogAccess, job: string | undefined, sampleMs: number): Promise<readonly JobSample[]> {
  const plans = await readPlans(log);
  if (job !== undefined) assertJobKnown(job, [...plans.keys()].sort());
  const look = async () => {
    const jobs = (await describeJobs(log)).filter((each) => job === undefined || each.job === job);
    return { jobs, atMs: systemClock.now() };
  };
  const first = await look();
  await systemClock.sleep(sampleMs);
  const second = await look();
  const seconds = (second.atMs - first.atMs) / 1_000;
  const wanted = await readWantedStates(log);
  const calling = new Set(await jobsWithCircuits(log));
  return await Promise.all(
    second.jobs.map(async (after): Promise<JobSample> => {
      const tiers = new Set(
        plans.get(after.job)?.topics.flatMap(({ topic, role }) => (role === "retry" ? [topic] : [])) ?? [],
      );
      const before = first.jobs.find((each) => each.job === after.job);
      return {
        job: after.job,
        wanted: wanted.get(after.job)?.status ?? "running",
        workers: after.members.length,
        tasks: sampledTasks(before, after, tiers, seconds),
        institutions: calling.has(after.job) ? institutionsOf(await readCircuits(log, after.job), second.atMs) : [],
      };
    }),
  );
}

function sampledTasks(
  before: JobOverview | undefined,
  after: JobOverview,
  tiers: ReadonlySet<string>,
  seconds: number,
): readonly SampledTask[] {
  const was = new Map(
    before?.tasks.flatMap(({ inputs }) => inputs.map((input) => [`${input.topic}/${input.partition}`, input] as const)),
  );
  return after.tasks.map(({ task, inputs }) => {
    const own = inputs.filter(({ topic }) => !tiers.has(topic));
    const grown = (of: "position" | "endOffset") =>
      own.reduce(
        (sum, input) => sum + input[of] - (was.get(`${input.topic}/${input.partition}`)?.[of] ?? input[of]),
        0,
      );
    return {
      task,
      lag: own.reduce((sum, { lag }) => sum + lag, 0),
      // A position may be set back, and a topic be made anew.
      arrivedPerSecond: Math.max(0, grown("endOffset")) / seconds,
      committedPerSecond: Math.max(0, grown("position")) / seconds,
    };
  });
}

function overview(all: readonly ReturnType<typeof adviseScale>[]): string {
  const rows = all.map(({ job, workers, advised, verdict, lag, arrivedPerSecond, committedPerSecond }) => [
    ...[job, String(workers), String(advised), verdict, String(lag)],
    ...[arrivedPerSecond, committedPerSecond].map((rate) => rate.toFixed(1)),
  ]);
  const numbers = ["workers", "advised", "lag", "arrived/s", "committed/s"];
  return table(["job", "workers", "advised", "verdict", "lag", "arrived/s", "committed/s"], rows, numbers);
}

const reasons = (all: readonly ReturnType<typeof adviseScale>[]): string =>
  all.map(({ job, why }) => [`${job}:`, ...why.map((reason) => `  ${reason}`)].join("\n")).join("\n");
