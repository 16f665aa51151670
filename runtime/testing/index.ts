/** What users test their jobs with: no broker, no files, no waiting. */
export { ManualClock } from "./manual-clock.ts";
export { SeededRandom } from "./seeded-random.ts";
export {
  type SimulatedInput,
  type SimulatedOutput,
  type SimulatedOutputs,
  type SimulateOptions,
  simulateJob,
} from "./simulation/simulate-job.ts";
export {
  type DeadLetter,
  type OutputRecord,
  type PipeOptions,
  TestDriver,
  type TestDriverOptions,
} from "./test-driver.ts";
