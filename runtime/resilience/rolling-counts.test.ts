import fc from "fast-check";
import { expect, it } from "vitest";
import { RollingCounts } from "./rolling-counts.ts";

it("keeps everything of the last nine tenths of its window, and nothing from before the window", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 90 }), fc.constantFrom("a", "b")), { maxLength: 200 }),
      (steps) => {
        const counts = new RollingCounts<string>(100);
        const all: { readonly atMs: number; readonly name: string }[] = [];
        let nowMs = 0;
        for (const [step, name] of steps) {
          nowMs += step;
          counts.add(name, nowMs);
          all.push({ atMs: nowMs, name });
          for (const each of ["a", "b"]) {
            const since = (ms: number) => all.filter((one) => one.name === each && one.atMs > ms).length;
            const found = counts.totalsOf(["a", "b"], nowMs)[each];
            expect(found).toBeGreaterThanOrEqual(since(nowMs - 90));
            expect(found).toBeLessThanOrEqual(since(nowMs - 100));
          }
        }
      },
    ),
  );
});
