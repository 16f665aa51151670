import { expect, it } from "vitest";
import { openCursor, sealCursor } from "./cursor.ts";

const PLACE = { incarnation: "5f1c", store: "totals", task: "payments_3" };
const KEY = Buffer.from("\u0001010-1234-5678");

it("says where to go on, and not what lies there", () => {
  const cursor = sealCursor(PLACE, KEY);
  expect(openCursor(PLACE, cursor)).toEqual(KEY);
  expect(Buffer.from(cursor, "base64url").includes("010-1234")).toBe(false);
  expect(sealCursor(PLACE, KEY)).not.toBe(cursor);
});

it.each([
  ["of another store", sealCursor({ ...PLACE, store: "other" }, KEY)],
  ["of another task", sealCursor({ ...PLACE, task: "payments_4" }, KEY)],
  ["of a changelog that was made again", sealCursor({ ...PLACE, incarnation: "5f1d" }, KEY)],
  ["that is a key in the open", KEY.toString("base64url")],
  ["that is none", ""],
])("refuses one %s", (_what, cursor) => {
  expect(() => openCursor(PLACE, cursor)).toThrow(expect.objectContaining({ code: "STATE_QUERY" }));
});
