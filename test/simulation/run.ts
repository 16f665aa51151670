import { simulateCalls } from "./calls/run.ts";
import { simulate } from "./simulate.ts";

/**
 * `npm run simulate [-- calls] [<from> <to>]`, or MULGIL_SEED=<seed> npm run simulate: the simulator without the test runner; "calls" runs the lives of
 * workers that call institutions. Goes on after a failure and lists the seeds that found something.
 */
const given = process.argv.slice(2);
const lives = given[0] === "calls" ? simulateCalls : (seed: number) => simulate({ seed });
const single = process.env["MULGIL_SEED"];
const [from = 0, to = 10_000] =
  single === undefined ? given.filter((each) => each !== "calls").map(Number) : [Number(single), Number(single) + 1];
const failed: number[] = [];
const startedMs = performance.now();
for (let seed = from; seed < to; seed++) {
  try {
    await lives(seed);
  } catch (error) {
    failed.push(seed);
    console.error((error as Error).message);
    if (single !== undefined) console.error((error as Error).cause);
  }
  if ((seed - from) % 100 === 99)
    console.log(
      `${seed - from + 1} seeds, ${failed.length} failed, ${((performance.now() - startedMs) / (seed - from + 1)).toFixed(1)} ms a seed`,
    );
}
console.log(
  `${to - from - failed.length} passed, ${failed.length} failed${failed.length === 0 ? "" : `: ${failed.join(" ")}`}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
