import { type Asset, assetsOf, issuedBy } from "../data/assets.ts";
import { randomOf } from "../random-of.ts";
import type { IndustryData, Listing, Query } from "../resource.ts";
import { dateOf, monthAt, monthText, stampOf, startOfMonth } from "../seoul-time.ts";

interface Policy extends Asset {
  readonly type: "LIFE" | "HEALTH" | "CAR";
  readonly premiumWon: number;
  readonly faceWon: number;
  readonly payDay: number;
  readonly years: number;
}

type PoliciesOf = (customer: string, nowMs: number) => readonly Policy[];

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const PRODUCTS = { LIFE: "Whole life", HEALTH: "Family health", CAR: "Safe driver" } as const;

/** The resources of an insurer, invented from the seed. */
export function insuranceData(seed: number, institution: string): IndustryData {
  const policiesOf: PoliciesOf = (customer, nowMs) =>
    issuedBy(assetsOf(seed, institution, customer, "p"), nowMs).map(toPolicy);
  const find = ({ customer, assetId, nowMs }: Query) => policiesOf(customer, nowMs).find(({ id }) => id === assetId)!;
  const one = { method: "POST", assetParameter: "insu_num" } as const;
  return {
    hasAsset: (customer, assetId, nowMs) => policiesOf(customer, nowMs).some(({ id }) => id === assetId),
    resources: [
      { method: "GET", path: "/insurances", name: "insu", read: (query) => list(policiesOf, query) },
      { ...one, path: "/insurances/basic", name: "basic", read: (query) => basic(find(query)) },
      {
        ...one,
        path: "/insurances/transactions",
        name: "trans",
        range: "dates",
        read: (query) => premiums(find(query), query),
      },
    ],
  };
}

function toPolicy(asset: Asset): Policy {
  const random = randomOf(asset.seed, "policy");
  return {
    ...asset,
    type: random.pick(["LIFE", "HEALTH", "CAR"] as const),
    premiumWon: (30 + random.below(220)) * 1_000,
    faceWon: (1 + random.below(20)) * 10_000_000,
    payDay: 1 + random.below(28),
    years: 15 + random.below(10),
  };
}

function list(policiesOf: PoliciesOf, { customer, nowMs, isCovered, isClosed }: Query): Listing {
  const policies = policiesOf(customer, nowMs).toSorted((a, b) => a.issuedMs - b.issuedMs);
  return {
    changedMs: policies.at(-1)?.issuedMs ?? 0,
    items: policies.map(({ id, type, issuedMs }) => ({
      insu_num: id,
      prod_name: PRODUCTS[type],
      insu_type: type,
      insu_status: isClosed(id) ? "05" : "02",
      is_consent: isCovered(id),
      issue_date: dateOf(issuedMs),
    })),
  };
}

const basic = ({ issuedMs, issuedMonth, years, premiumWon, faceWon, payDay }: Policy): Listing => ({
  changedMs: issuedMs,
  items: [
    {
      issue_date: dateOf(issuedMs),
      exp_date: dateOf(startOfMonth(issuedMonth + years * 12)),
      currency_code: "KRW",
      face_amt: String(faceWon),
      pay_cycle: "MONTHLY",
      pay_day: payDay,
      pay_amt: String(premiumWon),
    },
  ],
});

function premiums({ issuedMonth, issuedMs, payDay, premiumWon }: Policy, { fromMs, toMs }: Query): Listing {
  const items: object[] = [];
  let changedMs = issuedMs;
  for (let month = Math.max(issuedMonth, monthAt(fromMs)); month <= monthAt(toMs - 1); month++) {
    const atMs = startOfMonth(month) + (payDay - 1) * DAY_MS + 9 * HOUR_MS;
    if (atMs < fromMs || atMs >= toMs) continue;
    changedMs = atMs;
    items.push({
      trans_no: monthText(month),
      trans_dtime: stampOf(atMs),
      trans_applied_month: monthText(month),
      currency_code: "KRW",
      paid_amt: String(premiumWon),
      pay_method: "TRANSFER",
    });
  }
  return { items, changedMs };
}
