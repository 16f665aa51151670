import type { Job, TopicDefinition } from "mulgil";
import { callsJob } from "./calls-job.ts";
import { jobVariants } from "./job-variants.ts";
import { topicsOf } from "./payments-job.ts";
import type { WorkerSettings } from "./worker-process.ts";

/** The job that a worker runs, and the topics whose schemas it needs, in the order of their registration. */
export function jobOfWorker({ job: name, delivery, variant = "payments" }: WorkerSettings): {
  readonly job: Job;
  readonly topics: readonly TopicDefinition[];
} {
  if (typeof variant === "object") {
    const { job, requests, ended } = callsJob(name, variant);
    return { job, topics: [requests, ended] };
  }
  const payments = jobVariants[variant](name, delivery);
  return { job: payments.job, topics: topicsOf(payments) };
}
