import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader } from "../../state/byte-reader.ts";
import { ByteWriter } from "../../state/byte-writer.ts";
import { type StoredCounts, WaitingCounts, waitingCountsCodec } from "./waiting-counts.ts";

const START_MS = Date.UTC(2026, 0, 1);

const copied = (stored: StoredCounts): StoredCounts => {
  const out = new ByteWriter(1);
  waitingCountsCodec.write(stored, out);
  return waitingCountsCodec.read(new ByteReader(out.buffer.subarray(0, out.position)));
};

type Step =
  | { readonly kind: "add"; readonly resource: string; readonly afterMs: number }
  | { readonly kind: "remove"; readonly pick: number }
  | { readonly kind: "restart" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("add" as const),
      resource: fc.constantFrom("one", "two/three", "넷"),
      afterMs: fc.nat({ max: 40 * 86_400_000 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("remove" as const), pick: fc.nat() }) },
  fc.constant({ kind: "restart" } as const),
);

describe("what waits for institutions", () => {
  it("is as many as a plain list has, and as old to within the width, over restarts", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        let counts = new WaitingCounts();
        const state = new Map<string, StoredCounts>();
        const list: { resource: string; sinceMs: number }[] = [];
        for (const taken of steps) {
          if (taken.kind === "add") {
            const waiting = { resource: taken.resource, sinceMs: START_MS + taken.afterMs };
            list.push(waiting);
            counts.add(waiting.resource, waiting.sinceMs);
          } else if (taken.kind === "remove") {
            const [gone] = list.splice(taken.pick % Math.max(1, list.length), 1);
            if (gone !== undefined) counts.remove(gone.resource, gone.sinceMs);
          } else {
            for (const [resource, stored] of counts.takeChanged())
              if (stored === undefined) state.delete(resource);
              else state.set(resource, copied(stored));
            counts = new WaitingCounts();
            for (const [resource, stored] of state) counts.restore(resource, stored);
          }
          for (const resource of ["one", "two/three", "넷"]) {
            const own = list.filter((each) => each.resource === resource).map(({ sinceMs }) => sinceMs);
            const found = counts.of(resource);
            expect(found?.records ?? 0).toBe(own.length);
            if (own.length > 0) {
              const oldestMs = Math.min(...own);
              expect(found!.oldestSinceMs).toBeLessThanOrEqual(oldestMs);
              expect(found!.oldestSinceMs).toBeGreaterThan(oldestMs - 10_000);
            }
          }
          expect([...counts.resources].sort()).toEqual([...new Set(list.map(({ resource }) => resource))].sort());
        }
      }),
      { numRuns: 500 },
    );
  });

  it("stays small however long an outage is, and goes back to nothing", () => {
    const counts = new WaitingCounts();
    for (let minute = 0; minute < 50_000; minute++) counts.add("bank", START_MS + minute * 60_000);
    expect(counts.of("bank")).toMatchObject({ records: 50_000 });
    const [[, stored]] = counts.takeChanged() as [[string, StoredCounts]];
    const out = new ByteWriter();
    waitingCountsCodec.write(stored, out);
    expect(stored.counts.length).toBeLessThanOrEqual(256);
    expect(out.position).toBeLessThan(4_096);
    for (let minute = 0; minute < 50_000; minute++) counts.remove("bank", START_MS + minute * 60_000);
    expect(counts.of("bank")).toBeUndefined();
    expect(counts.takeChanged()).toEqual([["bank", undefined]]);
    expect(counts.takeChanged()).toEqual([]);
  });
});
