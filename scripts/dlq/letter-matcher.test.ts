import { expect, it } from "vitest";
import { deadLetterOf } from "../../runtime/ops/dead-letters.ts";
import { missingRegistry } from "../environment/missing-registry.ts";
import { TopicSchemas } from "../topics/topic-schemas.ts";
import { LetterMatcher } from "./letter-matcher.ts";
import { selectionOf } from "./selection.ts";

const framed = Buffer.from([0, 0, 0, 0, 7, 2]);
const letter = deadLetterOf({
  ...{ topic: "totals.dlq", partition: 0, offset: 3, timestampMs: 0, key: null, value: framed },
  headers: { "mulgil.dlq.code": Buffer.from("RECORD_FAILED") },
});

function matcher(options: Parameters<typeof selectionOf>[0]): LetterMatcher {
  const registry = missingRegistry;
  const schemas = new TopicSchemas({ registry, schemasDir: "./no-such-folder" });
  return new LetterMatcher({ selection: selectionOf(options), registry, schemas });
}

it("passes no letter over because its schema cannot be had: whoever selects by values hears of it", async () => {
  await expect(matcher({ where: "value.amount > 100" }).select([letter])).rejects.toMatchObject({
    code: "REGISTRY_MISSING",
  });
});

it("needs no registry where nothing has to be decoded", async () => {
  expect(await matcher({ code: ["RECORD_FAILED"] }).select([letter])).toEqual([letter]);
  expect(await matcher({ code: ["ANOTHER"], where: "value.amount > 100" }).select([letter])).toEqual([]);
});
