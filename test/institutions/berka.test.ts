import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ManualClock } from "../../runtime/testing/manual-clock.ts";
import { startInstitutions } from "../../scripts/institutions/start-institutions.ts";
import { type BankFile, bankFile } from "../cli/support/bank-file.ts";
import { type Reply, startCaller } from "./support.ts";

let folder: string;
let file: BankFile;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "mulgil-berka-"));
  file = bankFile(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("serves the rows of a file as the transactions of the year that the clock has", async () => {
  const caller = await startCaller([{ id: "bank-01", industry: "bank", berka: file.file }]);
  const { account_id } = file.rows[0]!;
  const rows = file.rows.filter((row) => row.account_id === account_id);
  const seen = async (): Promise<Reply> => {
    const { access: token } = await caller.consent("bank-01", account_id);
    expect(await caller.firstAccount("bank-01", token)).toBe(account_id);
    return caller.call("bank-01", "/v1/bank/accounts/deposit/transactions", {
      token,
      body: { account_num: account_id, from_date: "20260101", to_date: "20261231" },
    });
  };
  const early = rows.filter(({ date }) => date < "930114").map(({ trans_id }) => trans_id);
  const { body: before } = await seen();
  expect(before.trans_list.map(({ trans_no }: { trans_no: string }) => trans_no)).toEqual(early);
  caller.clock.advanceTo(Date.parse("2027-01-01T00:00:00+09:00"));
  const { body: after } = await seen();
  expect(after.trans_cnt).toBe(rows.length);
  expect(
    after.trans_list.map(
      ({ trans_no, trans_dtime, trans_type, trans_amt, balance_amt, currency_code }: Record<string, string>) =>
        [trans_no, trans_dtime, trans_type, trans_amt, balance_amt, currency_code].join(" "),
    ),
  ).toEqual(
    rows.map(({ trans_id, date, type, amount, balance }) =>
      [
        trans_id,
        `2026${date.slice(2)}120000`,
        type === "PRIJEM" ? "DEPOSIT" : "WITHDRAWAL",
        amount,
        balance,
        "CZK",
      ].join(" "),
    ),
  );
});

it("gives a customer that is no account of the file one of its accounts, always the same", async () => {
  const numbers = new Set<string>();
  for (let run = 0; run < 2; run++) {
    const caller = await startCaller([{ id: "bank-01", industry: "bank", berka: file.file }]);
    caller.clock.advanceTo(Date.parse("2027-01-01T00:00:00+09:00"));
    const { access: token } = await caller.consent("bank-01", "somebody");
    numbers.add(await caller.firstAccount("bank-01", token));
  }
  expect(numbers.size).toBe(1);
});

it("refuses a file of something else, and a file for no bank", async () => {
  const other = path.join(folder, "other.csv");
  writeFileSync(other, "a,b\n1,2\n");
  const start = (industry: "bank" | "card", berka: string) =>
    startInstitutions({ clock: new ManualClock(), seed: 7, institutions: [{ id: "x", industry, berka }] });
  await expect(start("bank", other)).rejects.toThrow(
    "is no file of the Berka bank: it needs rows with trans_id, account_id",
  );
  await expect(start("card", file.file)).rejects.toThrow("x is no bank: only a bank's data can be a file");
});
