import { simulate } from "./simulate.ts";

/** How many lives of a cluster `npm test` looks at; MULGIL_SEEDS asks for more. */
export const seedsInTests = Math.max(1_000, Number(process.env["MULGIL_SEEDS"] ?? 0));

/** Runs seeds one after the other; the first that finds something throws, with how to run it again. */
export async function runSeeds(from: number, to: number): Promise<void> {
  for (let seed = from; seed < to; seed++) await simulate({ seed });
}
