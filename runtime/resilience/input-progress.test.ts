import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader } from "../../state/byte-reader.ts";
import { ByteWriter } from "../../state/byte-writer.ts";
import { type EndedRecords, endedRecordsCodec, InputProgress } from "./input-progress.ts";

const RECORDS = 40;

/** Offsets that hold records; between them lie markers of transactions. */
const offsets = fc
  .uniqueArray(fc.integer({ min: 0, max: 2 * RECORDS }), { minLength: 1, maxLength: RECORDS })
  .map((all) => all.toSorted((left, right) => left - right));

type Step =
  | { readonly kind: "read"; readonly records: number }
  | { readonly kind: "end"; readonly pick: number }
  | { readonly kind: "commit" }
  | { readonly kind: "crash" };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("read" as const), records: fc.integer({ min: 1, max: 8 }) }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("end" as const), pick: fc.nat() }) },
  fc.constant({ kind: "commit" } as const),
  fc.constant({ kind: "crash" } as const),
);

const copied = (ended: EndedRecords | undefined): EndedRecords | undefined => {
  if (ended === undefined) return undefined;
  const out = new ByteWriter(16);
  endedRecordsCodec.write(ended, out);
  return endedRecordsCodec.read(new ByteReader(out.buffer.subarray(0, out.position)));
};

/** Reads, ends, commits and crashes; what it knows for certain is which records have ended by the last commit. */
class Model {
  progress = new InputProgress(undefined);
  position = 0;
  committed: { offset: number; ended: EndedRecords | undefined; done: ReadonlySet<number> };
  readonly done = new Set<number>();
  readonly underWay = new Set<number>();
  readonly #offsets: readonly number[];

  constructor(all: readonly number[]) {
    this.#offsets = all;
    this.committed = { offset: 0, ended: undefined, done: new Set() };
  }

  run(taken: Step): void {
    if (taken.kind === "read") for (let n = 0; n < taken.records; n++) this.#read();
    else if (taken.kind === "end") this.#end(taken.pick);
    else if (taken.kind === "commit") this.#commit();
    else this.#crash();
  }

  get #behindAll(): number {
    return this.#offsets.at(-1)! + 2;
  }

  #read(): void {
    const offset = this.#offsets.find((each) => each >= this.position);
    if (offset === undefined) {
      this.position = this.#behindAll;
      return;
    }
    this.position = offset + 1;
    expect(this.progress.hasEnded(offset), `whether ${offset} has ended`).toBe(this.committed.done.has(offset));
    if (this.progress.hasEnded(offset)) return;
    this.progress.takeUp(offset);
    this.underWay.add(offset);
  }

  #end(pick: number): void {
    const offset = [...this.underWay][pick % Math.max(1, this.underWay.size)];
    if (offset === undefined) return;
    this.underWay.delete(offset);
    this.progress.end(offset);
    this.done.add(offset);
  }

  #commit(): void {
    const offset = this.progress.committable(this.position);
    const unfinished = this.#offsets.filter((each) => !this.done.has(each));
    expect(offset).toBeLessThanOrEqual(Math.min(this.position, ...unfinished.filter((each) => each < this.position)));
    expect(offset).toBeGreaterThanOrEqual(this.committed.offset);
    this.committed = { offset, ended: copied(this.progress.ended(this.position, "one")), done: new Set(this.done) };
  }

  #crash(): void {
    this.done.clear();
    for (const offset of this.committed.done) this.done.add(offset);
    this.underWay.clear();
    this.progress = new InputProgress(this.committed.ended);
    this.position = this.committed.offset;
  }

  finish(): void {
    this.#crash();
    while (this.position < this.#behindAll) this.#read();
    while (this.underWay.size > 0) this.#end(0);
    this.#commit();
    expect([...this.done].toSorted((left, right) => left - right)).toEqual(this.#offsets);
    expect(this.committed).toMatchObject({ offset: this.#behindAll, ended: undefined });
  }
}

describe("how far an input of a call is", () => {
  it("repeats nothing that had ended by a commit and passes over nothing else, in whatever order records end and tasks die", () => {
    fc.assert(
      fc.property(offsets, fc.array(step, { maxLength: 80 }), (all, steps) => {
        const model = new Model(all);
        for (const each of steps) model.run(each);
        model.finish();
      }),
      { numRuns: 1_000 },
    );
  });

  it("knows which records were under way before a restart, and when all of those have been read", () => {
    const progress = new InputProgress({ incarnation: "one", upTo: 10, unfinished: [3, 7] });
    expect([3, 4].map((offset) => progress.takeUp(offset))).toEqual([true, false]);
    expect(progress.takeUp(3)).toBe(false);
    expect([9, 10].map((position) => progress.isResuming(position))).toEqual([true, false]);
  });

  it("needs no entry where the committed offset says it all", () => {
    const progress = new InputProgress(undefined);
    progress.takeUp(0);
    expect(progress.ended(1, "one")).toEqual({ incarnation: "one", upTo: 1, unfinished: [0] });
    progress.end(0);
    expect(progress.ended(1, "one")).toBeUndefined();
  });

  it("refuses an entry of another layout", () => {
    expect(() => endedRecordsCodec.read(new ByteReader(Buffer.from([9])))).toThrow(
      "the progress of an input has layout 9, expected 1",
    );
  });
});
