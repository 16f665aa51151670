import { expect, it } from "vitest";
import { nearestNames } from "./nearest-names.ts";

it("finds what was probably meant, the nearest first", () => {
  const known = ["card.approvals", "card.approval", "cart.approvals.v2", "customers", "accounts"];
  expect(nearestNames("card.aprovals", known)).toEqual(["card.approvals", "card.approval"]);
  expect(nearestNames("custmers", known)).toEqual(["customers"]);
  expect(nearestNames("transactions", known)).toEqual([]);
});

it("names at most three", () => {
  expect(nearestNames("a1", ["a2", "a3", "a4", "a5"])).toEqual(["a2", "a3", "a4"]);
});
