import { simulate } from "./simulate.ts";

/**
 * `npm run simulate [-- <from> <to>]`, or MULGIL_SEED=<seed> npm run simulate: the simulator without the test runner. Goes on after a failure and
 * lists the seeds that found something.
 */
const single = process.env["MULGIL_SEED"];
const [from = 0, to = 10_000] =
  single === undefined ? process.argv.slice(2).map(Number) : [Number(single), Number(single) + 1];
const failed: number[] = [];
const startedMs = performance.now();
for (let seed = from; seed < to; seed++) {
  try {
    await simulate({ seed });
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
