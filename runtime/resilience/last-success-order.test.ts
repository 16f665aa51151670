import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromInput, fromTier, itemAt, MapStore } from "./call-item.fixture.ts";
import type { CallItem } from "./call-item.ts";
import { type LastSuccess, LastSuccessOrder } from "./last-success-order.ts";

const KEYS = ["a", "b/c"];

type Step =
  | { readonly kind: "arrive"; readonly key: string; readonly version: number; readonly hasRoom: boolean }
  | { readonly kind: "succeed" | "die" | "away" | "return"; readonly pick: number }
  | { readonly kind: "commit" | "crash" };

const picked = fc.record({ kind: fc.constantFrom("succeed", "die", "away", "return"), pick: fc.nat() });
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("arrive"),
      key: fc.constantFrom(...KEYS),
      version: fc.nat({ max: 9 }),
      hasRoom: fc.boolean(),
    }),
  },
  { weight: 6, arbitrary: picked },
  fc.record({ kind: fc.constantFrom("commit", "crash") }),
) as fc.Arbitrary<Step>;

interface Sent {
  readonly key: string;
  readonly version: number;
}

interface World {
  readonly ends: ReadonlyMap<number, "succeeded" | "died" | "superseded">;
  readonly tier: readonly number[];
  readonly position: number;
  readonly unfinished: readonly number[];
}

/** The naive model: of each key, the highest version that has succeeded. */
class Cluster {
  readonly keys = new MapStore<string, LastSuccess>();
  readonly sent: Sent[] = [];
  readonly #isVersionDeclared: boolean;
  #ends = new Map<number, "succeeded" | "died" | "superseded">();
  #tier: number[] = [];
  #underWay: CallItem[] = [];
  #unfinished = new Set<number>();
  #committed: World = { ends: new Map(), tier: [], position: 0, unfinished: [] };
  #hasRoom = true;
  #order: LastSuccessOrder;

  constructor(isVersionDeclared: boolean) {
    this.#isVersionDeclared = isVersionDeclared;
    this.#order = this.#newOrder();
  }

  #newOrder(): LastSuccessOrder {
    return new LastSuccessOrder({
      ...{ keys: this.keys.asStore, isVersionDeclared: this.#isVersionDeclared },
      host: {
        start: (item) => this.#start(item),
        release: () => undefined,
        hasRoom: () => this.#hasRoom,
        wallClockMs: () => 0,
        isResuming: () => false,
      },
    });
  }

  #versionOf(offset: number): number {
    return this.#isVersionDeclared ? this.sent[offset]!.version : offset;
  }

  /** The highest that has succeeded of a key; lower ones may not any more. */
  #latest(key: string): number {
    const own = [...this.#ends].filter(([offset, how]) => how === "succeeded" && this.sent[offset]!.key === key);
    return Math.max(-1, ...own.map(([offset]) => this.#versionOf(offset)));
  }

  #start(item: CallItem): void {
    expect(
      this.#underWay.map(({ address }) => address.orderKey),
      "one at a time",
    ).not.toContain(item.address.orderKey);
    const isSuperseded = this.#order.isSuperseded(item);
    expect(isSuperseded).toBe(item.version < this.#latest(item.address.orderKey!));
    if (!isSuperseded) {
      this.#underWay.push(item);
      return;
    }
    this.#noteEnd(item, "superseded");
    this.#order.ended(item, false);
  }

  #noteEnd({ parcel, origin }: CallItem, how: "succeeded" | "died" | "superseded"): void {
    expect(this.#ends.has(parcel.offset), `${parcel.offset} has ended before`).toBe(false);
    this.#ends.set(parcel.offset, how);
    this.#leave(origin);
  }

  #leave(origin: CallItem["origin"]): void {
    if (origin.kind === "input" && !origin.isTier) this.#unfinished.delete(origin.offset);
  }

  run(taken: Step): void {
    switch (taken.kind) {
      case "arrive":
        this.#hasRoom = taken.hasRoom;
        this.sent.push(taken);
        this.#arrive(this.sent.length - 1, fromInput(this.sent.length - 1));
        this.#hasRoom = true;
        return;
      case "succeed":
      case "die":
        this.#end(taken.pick, taken.kind === "succeed");
        return;
      case "away":
        this.#away(taken.pick);
        return;
      case "return":
        this.#return(taken.pick);
        return;
      case "commit":
        this.#commit();
        return;
      case "crash":
        this.#crash();
    }
  }

  #arrive(offset: number, origin: CallItem["origin"]): void {
    if (origin.kind === "input" && !origin.isTier) this.#unfinished.add(offset);
    const item = itemAt({ offset, orderKey: this.sent[offset]!.key, version: this.#versionOf(offset), origin });
    switch (this.#order.arrive(item)) {
      case "starts":
        this.#start(item);
        return;
      case "superseded":
        expect(item.version).toBeLessThan(this.#latest(item.address.orderKey!));
        this.#noteEnd(item, "superseded");
        return;
      case "noRoom":
        this.#tier.push(offset);
        this.#leave(origin);
    }
  }

  #take(pick: number): CallItem | undefined {
    return this.#underWay.splice(pick % Math.max(1, this.#underWay.length), 1)[0];
  }

  #end(pick: number, hasSucceeded: boolean): void {
    const item = this.#take(pick);
    if (item === undefined) return;
    expect(this.#order.isSuperseded(item), "nobody passes who is under way").toBe(false);
    this.#noteEnd(item, hasSucceeded ? "succeeded" : "died");
    this.#order.ended(item, hasSucceeded);
  }

  #away(pick: number): void {
    const item = this.#take(pick);
    if (item === undefined) return;
    this.#tier.push(item.parcel.offset);
    this.#leave(item.origin);
    this.#order.away(item);
  }

  #return(pick: number): void {
    const [offset] = this.#tier.splice(pick % Math.max(1, this.#tier.length), 1);
    if (offset !== undefined) this.#arrive(offset, fromTier(offset));
  }

  #inTiers(): number[] {
    const known = new Set([...this.#ends.keys(), ...this.#unfinished]);
    return this.sent.map((_sent, offset) => offset).filter((offset) => !known.has(offset));
  }

  #commit(): void {
    this.keys.commit();
    this.#committed = {
      ends: new Map(this.#ends),
      tier: this.#inTiers(),
      position: this.sent.length,
      unfinished: [...this.#unfinished].toSorted((left, right) => left - right),
    };
  }

  #crash(): void {
    const { ends, tier, position, unfinished } = this.#committed;
    this.keys.crash();
    this.#ends = new Map(ends);
    this.#tier = [...tier];
    this.#underWay = [];
    this.#unfinished = new Set();
    this.#order = this.#newOrder();
    for (const offset of unfinished) this.#arrive(offset, fromInput(offset, true));
    for (let offset = position; offset < this.sent.length; offset++) this.#arrive(offset, fromInput(offset));
  }

  finish(): void {
    for (let turns = 0; this.#tier.length + this.#underWay.length > 0; turns++) {
      expect(turns).toBeLessThan(10_000);
      this.#return(turns);
      while (this.#underWay.length > 0) this.#end(0, true);
    }
    expect(this.#ends.size).toBe(this.sent.length);
    const remembered = new Set(
      [...this.#ends].filter(([, how]) => how === "succeeded").map(([at]) => this.sent[at]!.key),
    );
    expect(this.keys.size).toBe(this.#isVersionDeclared ? remembered.size : 0);
  }
}

describe.each([
  ["by the order in the topic", false],
  ["by a declared version", true],
])("the last success wins, %s", (_how, isVersionDeclared) => {
  it("so that none succeeds behind a later one, one is called at a time, none is lost, and nothing needless is remembered", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const cluster = new Cluster(isVersionDeclared);
        for (const taken of steps) cluster.run(taken);
        cluster.finish();
      }),
      { numRuns: 1_000 },
    );
  });
});
