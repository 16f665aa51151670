import { expect, it } from "vitest";
import { messageShape } from "./message-shape.ts";

it.each([
  ['order "A-17" has amount "12,50"', 'order "…" has amount "…"'],
  ["no account 110-234-567890 of ana@bank.example at 2026-03-01", "no account # of … at #"],
  ["it's 5 o'clock", `it"…"clock`],
  ['a value of "say \\"hi\\" to" cannot', 'a value of "…" cannot'],
  ["two\n  lines", "two lines"],
  ["fn is not a function", "fn is not a function"],
])("leaves out of %j what may be somebody's data", (message, shape) => {
  expect(messageShape(message)).toBe(shape);
});

it("is no longer than a line", () => {
  expect(messageShape("x".repeat(500))).toHaveLength(160);
});
