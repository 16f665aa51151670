import { expect, it } from "vitest";
import type { SchemaRegistry } from "../../../schemas/registry.ts";
import { ManualClock } from "../../testing/manual-clock.ts";
import { RegisteredSchemas } from "./registered-schemas.ts";

type Latest = SchemaRegistry["latest"];

function asked(latest: Latest) {
  const clock = new ManualClock(0);
  const registry = { latest } as Partial<SchemaRegistry> as SchemaRegistry;
  return { clock, schemas: new RegisteredSchemas(registry, clock) };
}

const version = (subject: string, avro: string) => ({ subject, version: 1, id: 1, avro });

it("asks anew after half a minute, and not before", async () => {
  let avro = "string";
  const { clock, schemas } = asked(async (subject) =>
    subject === "visits-value" ? version(subject, avro) : undefined,
  );
  expect(await schemas.describing("visits")).toEqual({ values: ["string"], keys: [] });
  avro = "long";
  clock.advance(29_999);
  expect(await schemas.describing("visits")).toEqual({ values: ["string"], keys: [] });
  clock.advance(1);
  expect(await schemas.describing("visits")).toEqual({ values: ["long"], keys: [] });
});

it("does not know while the registry fails, which it is asked again in five seconds, and keeps what it knew", async () => {
  let isAway = true;
  const { clock, schemas } = asked(async (subject) => {
    if (isAway) throw new Error("away");
    return version(subject, "string");
  });
  expect(await schemas.describing("visits")).toBeUndefined();
  isAway = false;
  clock.advance(4_999);
  expect(await schemas.describing("visits")).toBeUndefined();
  clock.advance(1);
  const known = { values: ["string"], keys: ["string"] };
  expect(await schemas.describing("visits")).toEqual(known);
  isAway = true;
  clock.advance(60_000);
  expect(await schemas.describing("visits")).toEqual(known);
});

it("does not wait for a registry that stands still", async () => {
  const { clock, schemas } = asked(() => new Promise(() => undefined));
  const found = schemas.describing("visits");
  clock.advance(1_500);
  expect(await found).toBeUndefined();
});
