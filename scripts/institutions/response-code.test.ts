import { expect, it } from "vitest";
import { type ResponseClass, responseClasses } from "../../jobs/mydata/response-codes.ts";
import { responseCode } from "./response-code.ts";

const classes: Readonly<Record<keyof typeof responseCode, ResponseClass>> = {
  ok: "ok",
  badHeader: "bad-request",
  badParameter: "bad-request",
  badCursor: "bad-request",
  beyondLimit: "bad-request",
  badToken: "token",
  foreignToken: "consent",
  expiredToken: "token",
  noConsent: "consent",
  assetNotCovered: "consent",
  notFound: "terminal",
  closedAsset: "terminal",
  tooManyRequests: "throttled",
  serverError: "temporary",
  maintenance: "maintenance",
  outsideWindow: "outside-window",
};

it("uses codes of the table of the collection, each for what its class says", () => {
  const used = Object.entries(responseCode).map(([name, code]) => [name, responseClasses[code]]);
  expect(Object.fromEntries(used)).toEqual(classes);
});
