import { Decimal } from "mulgil";
import { TestDriver } from "mulgil/testing";
import { describe, expect, it } from "vitest";
import { classifiedTransactions } from "../../schemas/types/mydata/classified-transaction.ts";
import { collectedRecords } from "../../schemas/types/mydata/collected-record.ts";
import { categoryOf, payeeOf } from "./categorise.ts";
import rules from "./classification-rules.json" with { type: "json" };
import classify from "./classify.ts";
import { START_MS } from "./mydata.fixture.ts";

describe("the rules", () => {
  it.each([
    ["HANGANG COFFEE 12", "out", "coffee"],
    ["Bukchon Tea Cafe", "out", "coffee"],
    ["MULGIL MART 3", "out", "groceries"],
    ["JEONJU BIBIMBAP RESTAURANT", "out", "restaurants"],
    ["BLUE OIL FUEL STATION 4", "out", "transport"],
    ["HANOK BOOKSTORE", "out", "education"],
    ["SEORAK DENTAL CLINIC", "out", "health"],
    ["TIGER ELECTRONICS", "out", "shopping"],
    ["WAVE STREAMING SUBSCRIPTION", "out", "entertainment"],
    ["HANEUL TELECOM", "out", "telecom"],
    ["RENT DAEHAN HOUSING", "out", "housing"],
    ["INSURANCE PREMIUM", "out", "insurance"],
    ["SALARY HANBIT CO", "in", "income"],
    ["SALARY HANBIT CO", "out", "other"],
    ["INTEREST", "in", "interest"],
    ["TRANSFER OWN ACCOUNT", "out", "transfer"],
    ["SMARTPHONE STEAK", "out", "other"],
    ["whatever", "in", "income"],
  ] as const)("file %s (%s) under %s", (text, direction, category) => {
    expect(categoryOf(rules, text, direction)).toBe(category);
  });

  it.each([
    ["HANGANG COFFEE 12", "HANGANG COFFEE"],
    ["  Hangang   coffee #3", "HANGANG COFFEE"],
    ["STAR24 CONVENIENCE 7", "STAR24 CONVENIENCE"],
    ["12345", "12345"],
  ])("see in %s the payee %s", (text, payee) => {
    expect(payeeOf(text)).toBe(payee);
  });
});

it("classifies transactions, and passes over what is none", async () => {
  const driver = await TestDriver.open(classify);
  const record = {
    ...{ customerId: "ann", institution: "bank-01", resource: "transactions", requestId: "r1" },
    ...{ requestedAt: START_MS, collectedAt: START_MS, asset: null, fact: null },
  };
  await driver.pipe(collectedRecords, {
    ...record,
    transaction: {
      ...{ transactionId: "t1", assetId: "a1", occurredAt: START_MS, direction: "out", currency: "KRW" },
      ...{ amount: Decimal.of("4500.00"), text: "HANGANG COFFEE 12", balanceAfter: null, cancelled: false },
    },
  });
  await driver.pipe(collectedRecords, {
    ...record,
    ...{ transaction: null, fact: { assetId: "a1", code: "40403", reason: "closed" } },
  });
  expect(await driver.read(classifiedTransactions)).toMatchObject([
    { key: "ann", value: { category: "coffee", payee: "HANGANG COFFEE", requestedAt: START_MS, transactionId: "t1" } },
  ]);
});
