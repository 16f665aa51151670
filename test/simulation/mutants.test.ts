import { describe, expect, it } from "vitest";
import { mutants } from "./mutants.ts";
import { simulate } from "./simulate.ts";

/** A mutant that lives this long has found a hole in the simulator; `npm test` looks at 1,000 seeds. */
const SEEDS_MAX = 400;

describe("the simulator finds what is wrong with a Mulgil that", () => {
  it.each(Object.entries(mutants))("%s", { timeout: 300_000 }, async (_name, mutation) => {
    let found: unknown;
    for (let seed = 0; seed < SEEDS_MAX && found === undefined; seed++) {
      found = await simulate({ seed, mutation }).then(
        () => undefined,
        (error: unknown) => error,
      );
    }
    expect(found, `no seed below ${SEEDS_MAX} notices`).toBeDefined();
    expect((found as Error).message).toMatch(/^seed \d+: /);
  });
});
