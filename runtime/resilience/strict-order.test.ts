import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromInput, fromTier, itemAt, MapStore, parcelAt } from "./call-item.fixture.ts";
import type { CallItem } from "./call-item.ts";
import type { Parcel } from "./parcel.ts";
import { type HeldKey, type StrictKey, StrictOrder } from "./strict-order.ts";

const KEYS = ["a", "b/c", "d"];
const HELD_MAX = 5;

type Step =
  | { readonly kind: "arrive"; readonly key: string; readonly hasRoom: boolean }
  | { readonly kind: "end" | "away"; readonly pick: number }
  | { readonly kind: "return"; readonly pick: number }
  | { readonly kind: "commit" }
  /** Between the records that are read again, calls end. */
  | { readonly kind: "crash"; readonly between: readonly ("end" | "away" | "nothing")[]; readonly hasRoom: boolean };

const picked = <K extends Step["kind"]>(kind: K) => fc.record({ kind: fc.constant(kind), pick: fc.nat() });
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("arrive" as const),
      key: fc.constantFrom(...KEYS),
      hasRoom: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: picked("end") },
  { weight: 2, arbitrary: picked("away") },
  { weight: 2, arbitrary: picked("return") },
  fc.constant({ kind: "commit" } as const),
  fc.record({
    kind: fc.constant("crash" as const),
    between: fc.array(fc.constantFrom("end", "away", "nothing"), { maxLength: 6 }),
    hasRoom: fc.boolean(),
  }),
) as fc.Arbitrary<Step>;

interface World {
  /** Offset in the input, ended. */
  readonly ended: readonly number[];
  /** By their offset in the tier, those in it. */
  readonly tier: ReadonlyMap<number, Parcel>;
  readonly position: number;
  /** Taken up from the input and not ended, held or gone to a tier. */
  readonly unfinished: readonly number[];
  readonly tierEnd: number;
}

/**
 * A task as far as its order knows: an input, a tier, what is under way. What a commit covers is durable as a whole; a crash goes back to it and reads again. The
 * naive model is one list a key, in the order of the input.
 */
class Cluster {
  readonly keys = new MapStore<string, StrictKey>();
  readonly held = new MapStore<HeldKey, Parcel>();
  readonly input: string[] = [];
  readonly full = new Set<number>();
  underWay: CallItem[] = [];
  ended: number[] = [];
  tier = new Map<number, Parcel>();
  tierEnd = 0;
  heldCount = 0;
  #unfinished = new Set<number>();
  #committed: World = { ended: [], tier: new Map(), position: 0, unfinished: [], tierEnd: 0 };
  #isResuming = false;
  #hasRoom = true;
  #order = this.#newOrder();

  #newOrder(): StrictOrder {
    return new StrictOrder({
      ...{ keys: this.keys.asStore, held: this.held.asStore, heldMax: HELD_MAX },
      host: {
        start: (item) => this.#start(item),
        release: ({ origin }) => {
          if (origin.kind === "input" && !origin.isTier) this.#unfinished.delete(origin.offset);
        },
        hasRoom: () => this.#hasRoom,
        replay: (parcel, at) => {
          const { offset } = parcel;
          this.#start(itemAt({ offset, orderKey: at.orderKey, parcel, origin: { kind: "held", ...at } }));
        },
        count: (change) => {
          this.heldCount += change === "held" ? 1 : -1;
        },
        wallClockMs: () => 0,
        isResuming: () => this.#isResuming,
      },
    });
  }

  #start(item: CallItem): void {
    const { orderKey } = item.address;
    expect(
      this.underWay.map(({ address }) => address.orderKey),
      "one at a time",
    ).not.toContain(orderKey);
    const others = this.input.flatMap((key, offset) => (key === orderKey && !this.full.has(offset) ? [offset] : []));
    const next = others.find((offset) => !this.ended.includes(offset));
    expect(item.parcel.offset, "the oldest that has not ended").toBe(next);
    this.underWay.push(item);
  }

  async run(taken: Step): Promise<void> {
    switch (taken.kind) {
      case "arrive":
        this.#hasRoom = taken.hasRoom;
        this.input.push(taken.key);
        this.#arrive(this.input.length - 1, false);
        this.#hasRoom = true;
        return;
      case "end":
        return this.#end(taken.pick);
      case "away":
        return this.#away(taken.pick);
      case "return":
        return this.#return(taken.pick);
      case "commit":
        return this.#commit();
      case "crash":
        await this.#crash(taken);
    }
  }

  #arrive(offset: number, isResumed: boolean): void {
    this.#unfinished.add(offset);
    const orderKey = this.input[offset]!;
    const item = itemAt({ offset, orderKey, origin: fromInput(offset, isResumed) });
    const arrival = this.#order.arrive(item);
    if (arrival === "starts") this.#start(item);
    else if (arrival === "full") {
      const waiting = this.input.flatMap((key, at) =>
        key === orderKey && at < offset && !this.full.has(at) && !this.ended.includes(at) ? [at] : [],
      );
      expect(waiting.length).toBeGreaterThan(HELD_MAX);
      this.full.add(offset);
      this.#finish(item);
    } else expect(arrival).toBe("waits");
  }

  #take(pick: number): CallItem | undefined {
    const [item] = this.underWay.splice(pick % Math.max(1, this.underWay.length), 1);
    return item;
  }

  #finish({ origin }: CallItem): void {
    if (origin.kind === "input" && !origin.isTier) this.#unfinished.delete(origin.offset);
  }

  #end(pick: number): void {
    const item = this.#take(pick);
    if (item === undefined) return;
    this.ended.push(item.parcel.offset);
    this.#order.ended(item);
    this.#finish(item);
  }

  #away(pick: number): void {
    const item = this.#take(pick);
    if (item === undefined) return;
    this.tier.set(this.tierEnd++, item.parcel);
    this.#order.away(item);
    this.#finish(item);
  }

  #return(pick: number): void {
    const [at, parcel] = [...this.tier][pick % Math.max(1, this.tier.size)] ?? [];
    if (at === undefined) return;
    this.tier.delete(at);
    const { offset, address } = parcel!;
    const item = itemAt({ offset, orderKey: address!.orderKey, parcel: parcel!, origin: fromTier(at) });
    expect(this.#order.arrive(item)).toBe("starts");
    this.#start(item);
  }

  #commit(): void {
    this.keys.commit();
    this.held.commit();
    const inMemory = this.underWay.flatMap(({ origin, parcel }) =>
      origin.kind === "input" && origin.isTier ? [[origin.offset, parcel] as const] : [],
    );
    this.#committed = {
      ended: [...this.ended],
      tier: new Map([...this.tier, ...inMemory]),
      position: this.input.length,
      unfinished: [...this.#unfinished].toSorted((left, right) => left - right),
      tierEnd: this.tierEnd,
    };
  }

  async #crash({ between, hasRoom }: Extract<Step, { kind: "crash" }>): Promise<void> {
    const { ended, tier, position, unfinished, tierEnd } = this.#committed;
    this.keys.crash();
    this.held.crash();
    this.underWay = [];
    this.#unfinished = new Set();
    this.ended = [...ended];
    this.tier = new Map(tier);
    this.tierEnd = tierEnd;
    this.heldCount = this.held.size;
    for (const offset of this.full) if (offset >= position) this.full.delete(offset);
    this.#isResuming = true;
    this.#order = this.#newOrder();
    await this.#order.recover();
    this.#hasRoom = hasRoom;
    for (const [index, offset] of unfinished.entries()) {
      this.#arrive(offset, true);
      if (between[index] === "end") this.#end(0);
      else if (between[index] === "away") this.#away(0);
    }
    this.#hasRoom = true;
    this.#isResuming = false;
    this.#order.resumed();
    for (let offset = position; offset < this.input.length; offset++) this.#arrive(offset, false);
  }

  /** Everything that has come ends, and nothing is left of it. */
  finish(): void {
    for (let turns = 0; this.tier.size + this.underWay.length > 0; turns++) {
      expect(turns).toBeLessThan(10_000);
      this.#return(0);
      while (this.underWay.length > 0) this.#end(0);
    }
    const all = this.input.map((_key, offset) => offset).filter((offset) => !this.full.has(offset));
    expect(this.ended.toSorted((left, right) => left - right)).toEqual(all);
    expect([this.keys.size, this.held.size, this.heldCount, this.#unfinished.size]).toEqual([0, 0, 0, 0]);
  }
}

describe("strict order", () => {
  it("calls the records of a key one at a time, in the order of the input, and loses none, whatever happens", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const cluster = new Cluster();
        for (const taken of steps) await cluster.run(taken);
        cluster.finish();
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("behind an unfinished record", () => {
  const open = () => {
    const keys = new MapStore<string, StrictKey>();
    const held = new MapStore<HeldKey, Parcel>();
    const replayed: number[] = [];
    const order = new StrictOrder({
      ...{ keys: keys.asStore, held: held.asStore, heldMax: 2 },
      host: {
        ...{ start: () => undefined, release: () => undefined, hasRoom: () => true, count: () => undefined },
        ...{ wallClockMs: () => 0, isResuming: () => false },
        replay: ({ offset }) => void replayed.push(offset),
      },
    });
    const arrive = (offset: number) => order.arrive(itemAt({ offset, orderKey: "k" }));
    return { keys, held, replayed, order, arrive };
  };

  it("as many are held as may, and no more", () => {
    const { order, arrive } = open();
    const head = itemAt({ offset: 0, orderKey: "k" });
    order.arrive(head);
    order.away(head);
    expect([1, 2, 3].map(arrive)).toEqual(["waits", "waits", "full"]);
  });

  it("a second copy in a tier has nothing to do", () => {
    const { order, arrive } = open();
    const head = itemAt({ offset: 0, orderKey: "k" });
    order.arrive(head);
    order.away(head);
    const copy = (at: number) => itemAt({ offset: 0, orderKey: "k", parcel: parcelAt(0), origin: fromTier(at) });
    expect([order.arrive(copy(0)), order.arrive(copy(1))]).toEqual(["starts", "superseded"]);
    order.ended(copy(0));
    expect([order.arrive(copy(1)), arrive(1)]).toEqual(["superseded", "starts"]);
  });

  it("nobody waits when all that was held is forgotten", async () => {
    const { keys, held, replayed, order, arrive } = open();
    const head = itemAt({ offset: 0, orderKey: "k" });
    order.arrive(head);
    order.away(head);
    arrive(1);
    arrive(2);
    await order.forget(() => true);
    expect(arrive(3)).toBe("waits");
    await order.forget(({ offset }) => offset === 3);
    const back = itemAt({ offset: 0, orderKey: "k", origin: fromTier(0) });
    order.arrive(back);
    order.ended(back);
    expect([keys.size, held.size, replayed]).toEqual([0, 0, []]);
  });

  it("those in the middle that are forgotten are passed over", async () => {
    const { replayed, order, arrive } = open();
    const head = itemAt({ offset: 0, orderKey: "k" });
    order.arrive(head);
    arrive(1);
    arrive(2);
    arrive(3);
    order.away(head);
    await order.forget(({ offset }) => offset === 2);
    const back = itemAt({ offset: 0, orderKey: "k", origin: fromTier(0) });
    order.arrive(back);
    order.ended(back);
    const replay = (offset: number, sequence: number) =>
      itemAt({ offset, orderKey: "k", origin: { kind: "held", orderKey: "k", sequence } });
    order.ended(replay(1, -3));
    expect(replayed).toEqual([1, 3]);
  });
});

describe("what was under way before a restart", () => {
  /** One is held behind those of the key that were in memory, and nothing else has room. */
  const open = async () => {
    const keys = new MapStore<string, StrictKey>();
    const held = new MapStore<HeldKey, Parcel>();
    keys.put("k", { headAt: "input", head: undefined, first: 0, next: 1 });
    held.put({ key: "k", entry: 0 }, parcelAt(5));
    const replayed: number[] = [];
    const started: number[] = [];
    let isResuming = true;
    const order = new StrictOrder({
      ...{ keys: keys.asStore, held: held.asStore, heldMax: 10 },
      host: {
        ...{ release: () => undefined, hasRoom: () => false, count: () => undefined },
        ...{ wallClockMs: () => 0, isResuming: () => isResuming },
        start: ({ parcel }) => void started.push(parcel.offset),
        replay: ({ offset }) => void replayed.push(offset),
      },
    });
    await order.recover();
    const again = (offset: number) => itemAt({ offset, orderKey: "k", origin: fromInput(offset, true) });
    const resume = () => {
      isResuming = false;
      order.resumed();
    };
    return { held, replayed, started, order, again, resume };
  };

  it("comes before all that is held, also where the first of it goes to a tier before the others are read again", async () => {
    const { held, replayed, order, again, resume } = await open();
    expect(order.arrive(again(0))).toBe("starts");
    order.away(again(0));
    expect(order.arrive(again(1))).toBe("waits");
    expect(order.arrive(itemAt({ offset: 6, orderKey: "k" }))).toBe("waits");
    expect(order.arrive(again(2))).toBe("waits");
    resume();
    expect(held.size).toBe(4);
    const back = itemAt({ offset: 0, orderKey: "k", origin: fromTier(0) });
    expect(order.arrive(back)).toBe("starts");
    order.ended(back);
    for (const [offset, sequence] of [
      [1, -2],
      [2, -1],
      [5, 0],
    ] as const)
      order.ended(itemAt({ offset, orderKey: "k", origin: { kind: "held", orderKey: "k", sequence } }));
    expect(replayed).toEqual([1, 2, 5, 6]);
  });

  it("goes on when the first of it comes out of a tier before all have been read again", async () => {
    const { replayed, started, order, again, resume } = await open();
    order.arrive(again(0));
    order.away(again(0));
    order.arrive(again(1));
    const back = itemAt({ offset: 0, orderKey: "k", origin: fromTier(0) });
    order.arrive(back);
    order.ended(back);
    expect(started).toEqual([1]);
    order.ended(again(1));
    expect(replayed).toEqual([]);
    resume();
    expect(replayed).toEqual([5]);
  });

  it("comes before all that is held, also what is read again later", async () => {
    const { replayed, order, again, resume } = await open();
    expect(order.arrive(again(0))).toBe("starts");
    order.ended(again(0));
    expect(replayed).toEqual([]);
    expect(order.arrive(again(1))).toBe("starts");
    order.ended(again(1));
    expect(replayed).toEqual([]);
    resume();
    expect(replayed).toEqual([5]);
  });

  it("waits in memory, room or not: its place is not behind what is held", async () => {
    const { held, order, again } = await open();
    expect([order.arrive(again(0)), order.arrive(again(1))]).toEqual(["starts", "waits"]);
    expect([held.size, held.get({ key: "k", entry: 0 })?.offset]).toEqual([1, 5]);
  });

  it("keeps what is held behind it when it goes to a tier", async () => {
    const { replayed, order, again, resume } = await open();
    order.arrive(again(0));
    order.away(again(0));
    resume();
    expect(replayed).toEqual([]);
  });
});
