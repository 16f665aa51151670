import { callFamilies } from "./call-families.ts";
import { jobFamilies } from "./job-families.ts";
import type { MetricFamily } from "./metric-family.ts";
import { processFamilies } from "./process-families.ts";
import { taskFamilies } from "./task-families.ts";

/** Everything that GET /metrics tells beside what prom-client says of the process. docs/METRICS.md describes them; a test keeps the two equal. */
export const metricFamilies: readonly MetricFamily[] = [
  ...processFamilies,
  ...jobFamilies,
  ...taskFamilies,
  ...callFamilies,
];
