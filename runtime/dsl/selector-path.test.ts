import { describe, expect, it } from "vitest";
import { selectorPath } from "./selector-path.ts";

interface Value {
  readonly a: { readonly b: string };
  readonly flag: boolean;
  readonly list: readonly string[];
}

const table: readonly [string, (value: Value) => unknown, string | undefined][] = [
  ["a field", (value) => value.a, "a"],
  ["a nested field", (value) => value.a.b, "a.b"],
  ["the value itself", (value) => value, undefined],
  ["a template", (value) => `${value.a.b}`, undefined],
  ["a call", (value) => value.a.b.toLowerCase(), undefined],
  ["arithmetic", (value) => Number(value.a.b) + 1, undefined],
  ["a new object", (value) => ({ key: value.a.b }), undefined],
  ["a constant", () => "x", undefined],
  ["a fallback for null", (value) => value.a.b ?? "none", undefined],
  ["a fallback for empty", (value) => value.a.b || "none", undefined],
  ["a choice", (value) => (value.flag ? value.a : "none"), undefined],
  ["an element", (value) => value.list[0], undefined],
  [
    "another value",
    (
      (outside: Value) => (_value: Value) =>
        outside.a
    )({ a: { b: "" }, flag: true, list: [] }),
    undefined,
  ],
];

describe("selectorPath", () => {
  it.each(table)("reads %s", (_name, select, path) => {
    expect(selectorPath(select)).toBe(path);
  });
});
