import { TerminalError } from "mulgil";
import { describe, expect, it } from "vitest";
import type { RawTransaction } from "../../schemas/types/bank/raw-transaction.ts";
import { standardTransaction } from "./standard-transaction.ts";

const row = (change: Partial<RawTransaction> = {}): RawTransaction => ({
  trans_id: "695247",
  account_id: "2378",
  date: "930101",
  type: "PRIJEM",
  operation: "VKLAD",
  amount: "700.00",
  balance: "1400.50",
  k_symbol: "",
  bank: "",
  account: "",
  ...change,
});

describe("standardTransaction", () => {
  it("gives a row types and English words", () => {
    const { amount, balance, ...rest } = standardTransaction(
      row({ operation: "PREVOD Z UCTU", k_symbol: "DUCHOD", bank: "AB", account: "41403269" }),
    );
    expect(rest).toEqual({
      transactionId: 695247,
      accountId: 2378,
      date: "1993-01-01",
      type: "CREDIT",
      operation: "TRANSFER_FROM_BANK",
      category: "PENSION",
      counterpartyBank: "AB",
      counterpartyAccount: "41403269",
    });
    expect([String(amount), String(balance)]).toEqual(["700.00", "1400.50"]);
  });

  it.each([
    ["PRIJEM", "CREDIT"],
    ["VYDAJ", "DEBIT"],
    ["VYBER", "DEBIT"],
  ])("reads the type %s as %s", (type, expected) => {
    expect(standardTransaction(row({ type })).type).toBe(expected);
  });

  it("leaves out what the bank does not say", () => {
    const { operation, category, counterpartyBank, counterpartyAccount } = standardTransaction(
      row({ operation: "", k_symbol: " ", bank: "", account: "0" }),
    );
    expect({ operation, category, counterpartyBank, counterpartyAccount }).toEqual({
      operation: null,
      category: null,
      counterpartyBank: null,
      counterpartyAccount: null,
    });
  });

  it.each<[Partial<RawTransaction>, string]>([
    [{ amount: "" }, "BANK_MISSING_COLUMN"],
    [{ account_id: " " }, "BANK_MISSING_COLUMN"],
    [{ account_id: "23a" }, "BANK_INVALID_ID"],
    [{ trans_id: "1".repeat(16) }, "BANK_INVALID_ID"],
    [{ date: "930231" }, "BANK_IMPOSSIBLE_DATE"],
    [{ date: "930229" }, "BANK_IMPOSSIBLE_DATE"],
    [{ date: "1993-01-01" }, "BANK_IMPOSSIBLE_DATE"],
    [{ type: "prijem" }, "BANK_UNKNOWN_TYPE"],
    [{ type: "toString" }, "BANK_UNKNOWN_TYPE"],
    [{ operation: "DAR" }, "BANK_UNKNOWN_OPERATION"],
    [{ k_symbol: "DAR" }, "BANK_UNKNOWN_CATEGORY"],
    [{ amount: "12,50" }, "BANK_INVALID_AMOUNT"],
    [{ amount: "1e3" }, "BANK_INVALID_AMOUNT"],
    [{ amount: "1.005" }, "BANK_INVALID_AMOUNT"],
    [{ amount: "12345678901.00" }, "BANK_INVALID_AMOUNT"],
    [{ balance: "much" }, "BANK_INVALID_AMOUNT"],
    [{ amount: "-0.01" }, "BANK_NEGATIVE_AMOUNT"],
  ])("refuses %j: %s", (change, code) => {
    let refused: unknown;
    try {
      standardTransaction(row(change));
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(TerminalError);
    expect(refused).toMatchObject({ code });
  });

  it("takes a leap day, an overdrawn balance and an amount of zero", () => {
    const { date, amount, balance } = standardTransaction(row({ date: "960229", balance: "-12.5", amount: "0" }));
    expect([date, String(amount), String(balance)]).toEqual(["1996-02-29", "0.00", "-12.50"]);
  });
});
