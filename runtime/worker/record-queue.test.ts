import { describe, expect, it } from "vitest";
import type { FetchedBatch, FetchedRecord } from "../log/port.ts";
import { internalEventTime } from "./event-time.ts";
import { RecordQueue } from "./record-queue.ts";

const record = (offset: number, value = "v"): FetchedRecord => ({
  offset,
  timestampMs: offset * 10,
  key: null,
  value: Buffer.from(value),
  headers: undefined,
});
const batch = (offsets: readonly number[], nextOffset: number, value?: string): FetchedBatch => ({
  topic: "t",
  partition: 0,
  records: offsets.map((offset) => record(offset, value)),
  nextOffset,
  endOffset: 100,
});

interface Missing {
  /** The schema that a value needs. */
  readonly missingId?: (bytes: Buffer) => number | undefined;
  readonly load?: () => Promise<void>;
  readonly isDone?: (offset: number) => boolean;
}

function queue({ missingId = () => undefined, load = async () => undefined, isDone }: Missing = {}) {
  const undecodable: number[] = [];
  const built = new RecordQueue({
    topic: "t",
    partition: 0,
    position: 0,
    clock: { now: () => 0 },
    decoder: {
      key: null,
      value: {
        decode: (bytes) => {
          if (bytes.toString() === "bad") throw new Error("bad");
          return bytes.toString();
        },
        missingId,
        load,
      },
      eventTime: internalEventTime,
    },
    undecodable: (raw) => undecodable.push(raw.offset),
    ...(isDone !== undefined && { isDone }),
  });
  return { queue: built, undecodable };
}

const drain = (from: RecordQueue): number[] => {
  const offsets: number[] = [];
  while (from.loadHead()) {
    offsets.push(from.raw!.offset);
    from.dropHead();
  }
  return offsets;
};

describe("RecordQueue", () => {
  it("hands out records in order and stands behind the markers of a finished batch", () => {
    const { queue: q } = queue();
    q.push(batch([0, 1], 3));
    q.push(batch([3], 5));
    expect(q.fetchPosition).toBe(5);
    expect(drain(q)).toEqual([0, 1, 3]);
    expect(q.position).toBe(5);
  });

  it("does not commit past a record that waits", () => {
    const { queue: q } = queue();
    q.push(batch([0, 1], 3));
    q.loadHead();
    expect(q.position).toBe(0);
    q.dropHead();
    expect(q.position).toBe(1);
    expect(q.size).toBe(1);
  });

  it("moves over batches of nothing but markers, also in the middle", () => {
    const { queue: q } = queue();
    q.push(batch([], 2));
    expect(q.position).toBe(2);
    q.push(batch([2], 3));
    q.push(batch([], 7));
    expect(q.position).toBe(2);
    drain(q);
    expect(q.position).toBe(7);
  });

  it("passes what cannot be decoded and goes on", () => {
    const { queue: q, undecodable } = queue();
    q.push(batch([0, 1], 2, "bad"));
    q.push(batch([2], 3));
    expect(drain(q)).toEqual([2]);
    expect(undecodable).toEqual([0, 1]);
    expect(q.position).toBe(3);
  });

  it("waits for no schema of what has ended before", () => {
    const isEnded = (offset: number) => offset < 2;
    const never = new Promise<void>(() => undefined);
    const missingId = (bytes: Buffer) => (bytes.toString() === "new" ? 7 : undefined);
    const { queue: q } = queue({ isDone: isEnded, missingId, load: () => never });
    q.push(batch([0, 1], 2, "new"));
    q.push(batch([2], 3));
    expect(q.awaited).toBeUndefined();
    expect(drain(q)).toEqual([2]);
    q.push(batch([3], 4, "new"));
    expect(q.awaited).toMatchObject({ id: 7 });
  });

  it("lets go of what waits for a schema when it is closed, and asks for no other", async () => {
    const asked = Promise.withResolvers<void>();
    let loads = 0;
    const { queue: q } = queue({
      missingId: () => 7,
      load: () => {
        loads++;
        return asked.promise;
      },
    });
    const pushed = q.push(batch([0, 1], 2));
    expect(q.missesSchema).toBe(true);
    q.close();
    asked.resolve();
    await pushed;
    expect(loads).toBe(1);
    expect(drain(q)).toEqual([]);
  });

  it("ignores a batch that it has already", () => {
    const { queue: q } = queue();
    q.push(batch([0, 1], 2));
    q.push(batch([0, 1], 2));
    expect(drain(q)).toEqual([0, 1]);
  });
});
