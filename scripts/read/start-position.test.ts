import { describe, expect, it } from "vitest";
import { parseStartPosition } from "./start-position.ts";

const NOW = Date.UTC(2026, 2, 1, 12);

describe("parseStartPosition", () => {
  it.each([
    ["earliest", { kind: "spec", spec: "earliest" }],
    ["latest", { kind: "spec", spec: "latest" }],
    ["offset:12", { kind: "offset", offset: 12 }],
    ["10m", { kind: "spec", spec: { atOrAfterMs: NOW - 600_000 } }],
    ["2 days", { kind: "spec", spec: { atOrAfterMs: NOW - 172_800_000 } }],
    ["2026-02-28", { kind: "spec", spec: { atOrAfterMs: Date.UTC(2026, 1, 28) } }],
    ["2026-02-28T01:02:03+09:00", { kind: "spec", spec: { atOrAfterMs: Date.UTC(2026, 1, 27, 16, 2, 3) } }],
  ])("reads %s", (text, position) => {
    expect(parseStartPosition(text, NOW)).toEqual(position);
  });

  it.each(["", "soon", "offset:-1", "offset:x", "12", "2026-99-01", "-10m"])("refuses %j", (text) => {
    expect(() => parseStartPosition(text, NOW)).toThrow("Write earliest, latest");
  });
});
