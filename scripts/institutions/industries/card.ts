import { type Asset, assetsOf, issuedBy } from "../data/assets.ts";
import { approvalsBetween, approvalsIn } from "../data/card-approvals.ts";
import { hashOf } from "../random-of.ts";
import type { IndustryData, Listing, Query } from "../resource.ts";
import { dateOf, monthAt, monthText, stampOf, startOfMonth } from "../seoul-time.ts";

interface Bill {
  readonly month: number;
  readonly issuedMs: number;
  readonly dueMs: number;
  readonly won: number;
}

type CardsOf = (customer: string, nowMs: number) => readonly Asset[];

const DAY_MS = 86_400_000;
const BILL_DAY = 14;
const DUE_DAY = 25;

/** The resources of a card company, invented from the seed. */
export function cardData(seed: number, institution: string): IndustryData {
  const cardsOf: CardsOf = (customer, nowMs) => issuedBy(assetsOf(seed, institution, customer, "c"), nowMs);
  return {
    hasAsset: (customer, assetId, nowMs) => cardsOf(customer, nowMs).some(({ id }) => id === assetId),
    resources: [
      { method: "GET", path: "/cards", name: "card", read: (query) => list(cardsOf, query) },
      {
        method: "GET",
        path: "/cards/:card_id/approval-domestic",
        name: "approved",
        assetParameter: "card_id",
        range: "dates",
        read: (query) => approvals(cardsOf(query.customer, query.nowMs).find(({ id }) => id === query.assetId)!, query),
      },
      { method: "GET", path: "/bills", name: "bill", range: "months", read: (query) => bills(cardsOf, query) },
      { method: "GET", path: "/payments", name: "pay", read: (query) => payments(cardsOf, query) },
    ],
  };
}

function list(cardsOf: CardsOf, { customer, nowMs, isCovered, isClosed }: Query): Listing {
  const cards = cardsOf(customer, nowMs).toSorted((a, b) => a.issuedMs - b.issuedMs);
  return {
    changedMs: cards.at(-1)?.issuedMs ?? 0,
    items: cards.map(({ id, seed, index, issuedMs }) => ({
      card_id: id,
      card_num: `5387-****-****-${String(seed % 10_000).padStart(4, "0")}`,
      is_consent: isCovered(id),
      card_name: index === 0 ? "Mulgil check" : "Mulgil credit",
      card_status: isClosed(id) ? "03" : "01",
      issue_date: dateOf(issuedMs),
    })),
  };
}

function approvals(card: Asset, { fromMs, toMs }: Query): Listing {
  const found = approvalsBetween(card, fromMs, toMs);
  return {
    changedMs: found.at(-1)?.atMs ?? card.issuedMs,
    items: found.map(({ month, number, atMs, won, merchant }) => ({
      approved_num: `${monthText(month)}${String(number).padStart(4, "0")}`,
      approved_dtime: stampOf(atMs),
      status: "APPROVED",
      merchant_name: merchant,
      merchant_regno: String(hashOf(merchant)).padStart(10, "0"),
      currency_code: "KRW",
      approved_amt: String(won),
      total_install_cnt: 1,
    })),
  };
}

function bills(cardsOf: CardsOf, query: Query): Listing {
  const found = billsBetween(cardsOf, query, monthAt(query.fromMs), monthAt(query.toMs - 1));
  return {
    changedMs: found.at(-1)?.issuedMs ?? 0,
    items: found.map(({ month, issuedMs, dueMs, won }) => ({
      seqno: monthText(month),
      charge_month: monthText(month),
      charge_date: dateOf(issuedMs),
      paid_out_date: dateOf(dueMs),
      currency_code: "KRW",
      charge_amt: String(won),
    })),
  };
}

/** What is issued and not yet paid: it changes when a bill is issued, and when it is paid. */
function payments(cardsOf: CardsOf, query: Query): Listing {
  const month = monthAt(query.nowMs);
  const recent = billsBetween(cardsOf, query, month - 1, month);
  const changes = recent.flatMap(({ issuedMs, dueMs }) => [issuedMs, dueMs]).filter((atMs) => atMs <= query.nowMs);
  return {
    changedMs: Math.max(0, ...changes),
    items: recent
      .filter(({ dueMs }) => dueMs > query.nowMs)
      .map((bill) => ({
        seqno: monthText(bill.month),
        pay_due_date: dateOf(bill.dueMs),
        currency_code: "KRW",
        pay_amt: String(bill.won),
      })),
  };
}

/** The bills of these months that are issued by now: one for all cards. */
function billsBetween(cardsOf: CardsOf, { customer, nowMs }: Query, first: number, last: number): readonly Bill[] {
  const cards = cardsOf(customer, nowMs);
  const earliest = Math.min(...cards.map(({ issuedMonth }) => issuedMonth)) + 1;
  const found: Bill[] = [];
  for (let month = Math.max(first, earliest); month <= last; month++) {
    const issuedMs = startOfMonth(month) + (BILL_DAY - 1) * DAY_MS;
    if (issuedMs > nowMs) break;
    const won = cards.flatMap((card) => approvalsIn(card, month - 1)).reduce((sum, approval) => sum + approval.won, 0);
    found.push({ month, issuedMs, dueMs: startOfMonth(month) + (DUE_DAY - 1) * DAY_MS, won });
  }
  return found;
}
