import { MemoryLevel } from "memory-level";
import { describe, expect, it } from "vitest";
import { openEmbeddedRegistry } from "../../../schemas/embedded-registry.ts";
import { MulgilError } from "../../../schemas/mulgil-error.ts";
import type { SchemaRegistry } from "../../../schemas/registry.ts";
import type { OpenTransaction } from "../../log/port.ts";
import { ManualClock } from "../../testing/manual-clock.ts";
import { DEAD_LETTER_HEADERS } from "../../worker/dead-letter.ts";
import { Attempts } from "./attempts.ts";
import { input, member, memberStatus, NOW_MS, plan, taskStatus, worker } from "./facts.fixture.ts";
import { grouped } from "./gather-dead-letters.ts";
import { workerDisks } from "./gather-disks.ts";
import { registryFacts } from "./gather-schemas.ts";
import { openTransactionFacts } from "./gather-transactions.ts";

const MINUTE_MS = 60_000;

describe("dead letters", () => {
  const letter = (agoMs: number, code: string, from?: string) => ({
    ...{ offset: 0, timestampMs: NOW_MS - agoMs, key: null, value: null },
    headers: Object.fromEntries(
      Object.entries({
        code,
        step: "enrich",
        ...(from !== undefined && { topic: from, partition: "1", offset: "7" }),
      }).map(([name, value]) => [DEAD_LETTER_HEADERS[name as "code"], Buffer.from(value)]),
    ),
  });

  it("of the last hour are grouped by code, step and source, with how many came lately", () => {
    const letters = [
      letter(61 * MINUTE_MS, "A", "events"),
      letter(50 * MINUTE_MS, "A", "events"),
      letter(9 * MINUTE_MS, "A", "events"),
      letter(5 * MINUTE_MS, "A"),
      letter(MINUTE_MS, "B", "events"),
    ];
    expect(grouped(letters, NOW_MS)).toEqual([
      {
        ...{ code: "A", step: "enrich", topic: "events", count: 2, lately: 1 },
        ...{ firstMs: NOW_MS - 50 * MINUTE_MS, lastMs: NOW_MS - 9 * MINUTE_MS, example: { partition: 1, offset: 7 } },
      },
      expect.objectContaining({ code: "A", topic: undefined, count: 1, example: undefined }),
      expect.objectContaining({ code: "B", topic: "events", count: 1, lately: 1 }),
    ]);
  });
});

describe("open transactions", () => {
  const held = input(1, 0, {
    ...{ endOffset: 5, highWatermark: 17 },
    looks: [
      { position: 4, endOffset: 4, lag: 0, atMs: 0 },
      { position: 5, endOffset: 5, lag: 0, atMs: 1_000 },
      { position: 5, endOffset: 5, lag: 0, atMs: 5_000 },
    ],
  });
  const at = (firstOffset: number, producerId: number): OpenTransaction => ({
    ...{ topic: "events", partition: 1, firstOffset, producerId, transactionalId: `id-${producerId}`, startedAtMs: 3 },
  });
  const found = (told: readonly OpenTransaction[], inputs = [held]) =>
    openTransactionFacts({ openTransactions: async () => told }, inputs, new Attempts(new ManualClock()));

  it("are told by the one that begins first, with how long the end has stood still and what it holds back", async () => {
    expect(await found([at(9, 2), at(5, 1)])).toEqual([{ ...at(5, 1), heldForMs: 4_000, heldBack: 12 }]);
  });

  it("are inferred from the end where the log does not tell", async () => {
    expect(await found([])).toMatchObject([
      { firstOffset: 5, producerId: -1, transactionalId: undefined, heldBack: 12 },
    ]);
  });

  it("are looked for only where something is held back, and a refusal is a fact", async () => {
    expect(await found([at(5, 1)], [input(1)])).toEqual([]);
    const attempts = new Attempts(new ManualClock());
    const refused = async () => {
      throw new MulgilError("no", { code: "LOG_NOT_AUTHORIZED" });
    };
    expect(await openTransactionFacts({ openTransactions: refused }, [held], attempts)).toHaveLength(1);
    expect(attempts.failures).toEqual([
      { what: "look for open transactions", code: "LOG_NOT_AUTHORIZED", message: "no" },
    ]);
  });
});

describe("disks of workers", () => {
  const disk = { freeBytes: 5, totalBytes: 100 };
  const stores = [{ store: "totals", bytes: 7 }];
  const on = (host: string, pid: number) => {
    const of = member("a", pid, { process: { host, pid, address: `http://${host}:${pid}` } });
    return worker(of, [], { status: memberStatus("a", [taskStatus("events_0", 0, { stores })], { disk }) });
  };
  const here = { host: undefined, path: "/data", ...disk, usedBytes: 1, shrinksPerSecond: undefined };
  const isAlive = ({ host }: { readonly host: string }) => (host === "here" ? true : undefined);

  it("are told of other machines, and of this one where they are others; over all jobs of a process", () => {
    const jobs = [{ workers: [on("here", 1), on("box", 2)] }, { workers: [on("box", 2)] }];
    expect(workerDisks(jobs, [here], isAlive)).toEqual([
      { host: "box", path: "the state of process 2", ...disk, usedBytes: 14, shrinksPerSecond: undefined },
    ]);
    expect(workerDisks(jobs, [{ ...here, totalBytes: 99 }], isAlive).map(({ host }) => host)).toEqual(["here", "box"]);
  });
});

describe("the registry", () => {
  const fields = [
    { name: "id", type: "string" },
    { name: "amount", type: "long" },
  ];
  const facts = (registry: SchemaRegistry, clock = new ManualClock()) =>
    registryFacts({ registry, where: "here", plans: [plan()], attempts: new Attempts(clock) });

  it("says which versions cannot be read by the one before", async () => {
    const registry = await openEmbeddedRegistry(new MemoryLevel());
    expect((await facts(registry)).subjects).toMatchObject([{ topic: "events", jobs: ["totals"], latest: undefined }]);
    await registry.register("events-value", { type: "record", name: "Event", fields });
    await registry.register("events-value", { type: "record", name: "Event", fields: fields.slice(0, 1) });
    const { subjects, problem } = await facts(registry);
    expect(problem).toBeUndefined();
    expect(subjects).toMatchObject([{ latest: { version: 2, name: "Event" }, olderUnreadable: [] }]);
    expect(subjects[0]!.newerUnreadable).toEqual([expect.stringMatching(/^Event\.amount: /)]);
  });

  it("is a problem when it fails, and when it never answers", async () => {
    const failing = { subjects: () => Promise.reject(new MulgilError("away", { code: "REGISTRY_UNREACHABLE" })) };
    expect((await facts(failing as unknown as SchemaRegistry)).problem).toMatchObject({ code: "REGISTRY_UNREACHABLE" });
    const clock = new ManualClock();
    const silent = facts({ subjects: () => new Promise(() => undefined) } as unknown as SchemaRegistry, clock);
    clock.advance(10_000);
    expect((await silent).problem).toMatchObject({
      code: "NO_ANSWER",
      message: expect.stringContaining("within 10 s"),
    });
  });
});
