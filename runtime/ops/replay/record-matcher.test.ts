import { MemoryLevel } from "memory-level";
import { expect, it } from "vitest";
import { openEmbeddedRegistry } from "../../../schemas/embedded-registry.ts";
import { MulgilError } from "../../../schemas/mulgil-error.ts";
import { RecordMatcher } from "./record-matcher.ts";

it("leaves no record out because the registry is away, whatever is to be done with records that cannot be read", async () => {
  const embedded = await openEmbeddedRegistry(new MemoryLevel());
  let isAway = true;
  const registry: typeof embedded = Object.assign(Object.create(embedded) as typeof embedded, {
    schemaById: async () => {
      throw new MulgilError("not now", { code: isAway ? "REGISTRY_UNREACHABLE" : "SCHEMA_UNKNOWN_ID" });
    },
  });
  const filter = { keys: [], headers: [], where: "value.amount > 100", onError: "skip", hasCopies: true } as const;
  const matcher = new RecordMatcher({ ...{ filter, registry, keyType: undefined }, origins: new Set() });
  const record = { topic: "events", partition: 0, offset: 3, timestampMs: 0, key: null, headers: undefined };
  const records = [{ ...record, value: Buffer.from([0, 0, 0, 0, 7, 2]) }];
  await expect(matcher.select(records)).rejects.toMatchObject({ code: "REGISTRY_UNREACHABLE" });
  isAway = false;
  expect(await matcher.select(records)).toMatchObject({ records: [], failed: 1 });
});
