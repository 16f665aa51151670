import { setImmediate as turn } from "node:timers/promises";
import { MemoryLevel } from "memory-level";
import { describe, expect, it } from "vitest";
import { openEmbeddedRegistry } from "../../schemas/embedded-registry.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import type { JobEvent } from "./job-event.ts";
import { PatientRegistry } from "./patient-registry.ts";

const away = (code = "REGISTRY_UNREACHABLE") => new MulgilError(`not now: ${code}`, { code });

async function open(random = () => 0) {
  const behind = await openEmbeddedRegistry(new MemoryLevel());
  const id = await behind.register("x-value", "string");
  const clock = new ManualClock();
  const askedAtMs: number[] = [];
  const events: JobEvent[] = [];
  const state = { failure: undefined as unknown };
  const registry = new PatientRegistry({
    ...{ job: "totals", clock, random },
    registry: {
      register: (subject, avro) => behind.register(subject, avro),
      latest: (subject) => behind.latest(subject),
      versions: (subject) => behind.versions(subject),
      subjects: () => behind.subjects(),
      compatibilityOf: (subject) => behind.compatibilityOf(subject),
      async schemaById(asked) {
        askedAtMs.push(clock.now());
        if (state.failure !== undefined) throw state.failure;
        return await behind.schemaById(asked);
      },
    },
    onEvent: (event) => void events.push(event),
  });
  const advance = async (ms: number) => {
    for (let i = 0; i < 5; i++) await turn();
    for (let left = ms; left > 0; left -= 50) {
      clock.advance(Math.min(50, left));
      for (let i = 0; i < 5; i++) await turn();
    }
  };
  return { registry, clock, askedAtMs, events, state, id, advance };
}

const waits = (atMs: readonly number[]) => atMs.slice(1).map((each, index) => each - atMs[index]!);

describe("PatientRegistry", () => {
  it.each([
    [0, [250, 500, 1_000, 2_000, 4_000, 7_500, 7_500]],
    [1, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]],
  ])("asks again later and later, and for one schema once at a time (random %d)", async (random, expected) => {
    const { registry, askedAtMs, state, id, advance } = await open(() => random);
    state.failure = away();
    const found = Promise.all([registry.schemaById(id), registry.schemaById(id), registry.schemaById(id)]);
    await advance(60_000);
    expect(waits(askedAtMs).slice(0, 7)).toEqual(expected);
    state.failure = undefined;
    await advance(15_000);
    expect(await found).toEqual(["string", "string", "string"]);
  });

  it("tells once that it waits, again for another reason, and when it is over", async () => {
    const { registry, events, state, id, advance } = await open();
    state.failure = away();
    const found = registry.schemaById(id);
    await advance(5_000);
    expect(registry.troubleOf(id)).toEqual({ code: "REGISTRY_UNREACHABLE", message: "not now: REGISTRY_UNREACHABLE" });
    state.failure = away("REGISTRY_NOT_AUTHORIZED");
    await advance(20_000);
    expect(registry.troubleOf(id)?.code).toBe("REGISTRY_NOT_AUTHORIZED");
    state.failure = undefined;
    await advance(20_000);
    await found;
    expect(registry.troubleOf(id)).toBeUndefined();
    expect(
      events.map((event) => [event.kind, "error" in event ? (event.error as MulgilError).code : undefined]),
    ).toEqual([
      ["schemaAwaited", "REGISTRY_UNREACHABLE"],
      ["schemaAwaited", "REGISTRY_NOT_AUTHORIZED"],
      ["schemaFound", undefined],
    ]);
  });

  it("hands on that there is no such schema, and what is no outage, without a word", async () => {
    const { registry, askedAtMs, events, state, id } = await open();
    await expect(registry.schemaById(id + 1)).rejects.toMatchObject({ code: "SCHEMA_UNKNOWN_ID" });
    state.failure = new TypeError("a mistake");
    await expect(registry.schemaById(id)).rejects.toThrow("a mistake");
    expect([askedAtMs.length, events.length]).toEqual([2, 0]);
  });

  it("asks no more when it is closed", async () => {
    const { registry, askedAtMs, state, id, advance } = await open();
    state.failure = away();
    const found = registry.schemaById(id);
    found.catch(() => undefined);
    await advance(1_000);
    registry.close();
    await expect(found).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" });
    const asked = askedAtMs.length;
    await advance(60_000);
    expect(askedAtMs.length).toBe(asked);
  });
});
