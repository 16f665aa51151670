import { expect, it } from "vitest";
import { RecentIds } from "./recent-ids.ts";

it("knows the last ids, and forgets those before them", () => {
  const ids = new RecentIds(3);
  for (const id of ["a", "b", "c"]) expect(ids.add(id)).toBe(false);
  expect(ids.add("a")).toBe(true);
  for (const id of ["d", "e", "f"]) expect(ids.add(id)).toBe(false);
  expect(ids.add("d")).toBe(true);
  expect(ids.add("c")).toBe(true);
  for (const id of ["g", "h", "i", "j"]) ids.add(id);
  expect(ids.add("a")).toBe(false);
});
