import { describe, expect, it } from "vitest";
import { textKeys } from "../../bench/state-fixtures.ts";
import type { StateDisk } from "../../state/disk.ts";
import { openKeyValueStore } from "../../state/key-value-store.ts";
import { memoryDisk } from "../../state/memory-disk.ts";
import type { CallItem } from "./call-item.ts";
import { InputProgress } from "./input-progress.ts";
import { LastSuccessOrder } from "./last-success-order.ts";
import { lastSuccessCodec } from "./order-codecs.ts";
import { untravelled } from "./parcel.ts";

const KEY = "customer";

/** A record of the one key there is, by its offset in the input, which is its version. */
function item(version: number, { isTier }: { readonly isTier: boolean }): CallItem {
  const address = { resource: "bank", orderKey: KEY, subject: undefined };
  const bytes = { key: null, value: null, headers: undefined };
  return {
    origin: { kind: "input", progress: new InputProgress(undefined), offset: version, isTier, isResumed: false },
    parcel: { topic: "t", partition: 0, offset: version, timestampMs: 0, ...bytes, travel: untravelled, address },
    ...{ address, key: KEY, value: version, timestampMs: 0, version, abort: undefined },
  };
}

const fromInput = (version: number) => item(version, { isTier: false });
const fromTier = (version: number) => item(version, { isTier: true });

/** One life of a task on this disk; what was under way before is being read again until `resume`. */
async function open(disk: StateDisk = memoryDisk()) {
  const store = await openKeyValueStore({
    ...{ name: "keys", database: await disk.open("keys"), keys: textKeys, values: lastSuccessCodec },
  });
  let isResuming = true;
  let hasRoom = true;
  const started: CallItem[] = [];
  const order = new LastSuccessOrder({
    keys: store,
    isVersionDeclared: false,
    host: {
      start: (each) => void started.push(each),
      release: () => undefined,
      hasRoom: () => hasRoom,
      wallClockMs: () => 0,
      isResuming: () => isResuming,
    },
  });
  await order.recover();
  return {
    order,
    started,
    remembered: () => store.get(KEY),
    fill: () => {
      hasRoom = false;
    },
    resume() {
      isResuming = false;
      order.resumed();
    },
    async commitAndDie() {
      store.seal();
      await store.applySealed({ nextOffset: 1, incarnation: "first", writtenAtMs: 0 });
      await store.close();
    },
  };
}

describe("the last success of an order key", () => {
  it("supersedes an older record that was under way before a restart and is read again behind it", async () => {
    const disk = memoryDisk();
    const before = await open(disk);
    before.resume();
    expect(before.order.arrive(fromInput(1))).toBe("starts");
    before.fill();
    expect(before.order.arrive(fromInput(2))).toBe("noRoom");
    await before.commitAndDie();

    const { order, resume, remembered } = await open(disk);
    expect(order.arrive(fromTier(2))).toBe("starts");
    order.ended(fromTier(2), true);
    expect(order.arrive(fromInput(1))).toBe("superseded");
    resume();
    expect(remembered()).toBeUndefined();
  });

  it("supersedes an older record that was read again while the newer one was called, and waits for it", async () => {
    const { order, resume, remembered, started } = await open();
    order.arrive(fromInput(2));
    order.away(fromInput(2));
    expect(order.arrive(fromTier(2))).toBe("starts");
    expect(order.arrive(fromInput(1))).toBe("waits");
    resume();
    order.ended(fromTier(2), true);
    expect(started.map((each) => order.isSuperseded(each))).toEqual([true]);
    order.ended(fromInput(1), false);
    expect(remembered()).toBeUndefined();
  });

  it("is forgotten when nothing older can come any more, also where a crash came before that", async () => {
    const disk = memoryDisk();
    const before = await open(disk);
    before.order.away(fromInput(2));
    before.order.ended(fromTier(2), true);
    expect(before.remembered()).toEqual({ inTiers: 0, version: 2 });
    await before.commitAndDie();

    const { resume, remembered } = await open(disk);
    expect(remembered()).toEqual({ inTiers: 0, version: 2 });
    resume();
    expect(remembered()).toBeUndefined();
  });

  it("is not remembered where nothing waits", async () => {
    const { order, remembered, resume } = await open();
    resume();
    expect(order.arrive(fromInput(1))).toBe("starts");
    order.ended(fromInput(1), true);
    expect(remembered()).toBeUndefined();
  });
});
