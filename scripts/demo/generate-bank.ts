/** The columns of the bank's file, in its order. */
export const BANK_COLUMNS = [
  "trans_id",
  "account_id",
  "date",
  "type",
  "operation",
  "amount",
  "balance",
  "k_symbol",
  "bank",
  "account",
] as const;

export type BankRow = Readonly<Record<(typeof BANK_COLUMNS)[number], string>>;

export interface GeneratedRow {
  readonly row: BankRow;
  /** The rule that the row breaks on purpose. */
  readonly broken?: string;
}

export interface GenerateOptions {
  readonly seed: number;
  /** Each has about 67 movements a year. */
  readonly accounts: number;
  /** Of the twentieth century, as in the bank's files: two digits. */
  readonly year: number;
}

interface Movement {
  readonly type: string;
  readonly operation?: string;
  readonly cents: number;
  readonly category?: string;
  readonly counterparty?: readonly [bank: string, account: string];
}

/** One change of a good row for each way to break a rule. */
const BROKEN: readonly { readonly rule: string; readonly change: Partial<BankRow> }[] = [
  { rule: "BANK_IMPOSSIBLE_DATE", change: { date: "930231" } },
  { rule: "BANK_NEGATIVE_AMOUNT", change: { amount: "-450.00" } },
  { rule: "BANK_MISSING_COLUMN", change: { amount: "" } },
  { rule: "BANK_UNKNOWN_TYPE", change: { type: "DAR" } },
  { rule: "BANK_INVALID_AMOUNT", change: { amount: "1O0.00" } },
  { rule: "BANK_UNKNOWN_OPERATION", change: { operation: "SEK" } },
  { rule: "BANK_IMPOSSIBLE_DATE", change: { date: "931301" } },
  { rule: "BANK_UNKNOWN_CATEGORY", change: { k_symbol: "DARY" } },
  { rule: "BANK_INVALID_ID", change: { trans_id: "n/a" } },
  { rule: "BANK_NEGATIVE_AMOUNT", change: { amount: "-0.01" } },
];

const DAY_MS = 86_400_000;
const BANKS = ["AB", "CD", "EF", "GH", "IJ", "KL", "OP", "QR", "ST", "YZ"];

/**
 * Invents a year of a bank with a seed: the shape of the Berka file (columns, words, two decimals, ordered by date), none of its data.
 * Ten rows, spread over the file, break a rule each.
 */
export function* generateBank({ seed, accounts, year }: GenerateOptions): Generator<GeneratedRow> {
  const random = mulberry32(seed);
  const bank = Array.from({ length: accounts }, (_, index) => newAccount(index + 1, random));
  const start = Date.UTC(1900 + year, 0, 1);
  const days = Math.round((Date.UTC(1901 + year, 0, 1) - start) / DAY_MS);
  let id = 0;
  for (let day = 0; day < days; day++) {
    const date = new Date(start + day * DAY_MS);
    const text = date.toISOString().slice(2, 10).replaceAll("-", "");
    const isLastOfMonth = new Date(date.getTime() + DAY_MS).getUTCDate() === 1;
    for (const account of bank) {
      for (const movement of account.movementsOf(date.getUTCDate(), isLastOfMonth)) {
        account.cents += movement.type === "PRIJEM" ? movement.cents : -movement.cents;
        yield { row: rowOf(++id, account, text, movement) };
      }
    }
    yield* brokenOf(day, days, () =>
      rowOf(++id, bank[day % accounts]!, text, { type: "PRIJEM", operation: "VKLAD", cents: 10_000 }),
    );
  }
}

/** The rows as the lines of a CSV file, header first. No field of theirs needs quotes. */
export function* csvLines(rows: Iterable<GeneratedRow>): Generator<string> {
  yield `${BANK_COLUMNS.join(",")}\n`;
  for (const { row } of rows) yield `${BANK_COLUMNS.map((column) => row[column]).join(",")}\n`;
}

function* brokenOf(day: number, days: number, goodRow: () => BankRow): Generator<GeneratedRow> {
  for (const [index, { rule, change }] of BROKEN.entries()) {
    if (Math.floor(((index + 0.5) * days) / BROKEN.length) === day)
      yield { row: { ...goodRow(), ...change }, broken: rule };
  }
}

interface Account {
  readonly number: number;
  cents: number;
  movementsOf(dayOfMonth: number, isLastOfMonth: boolean): readonly Movement[];
}

/** Habits: a salary or pension, household costs, cash now and then, interest and a fee at the end of the month. */
function newAccount(number: number, random: () => number): Account {
  const whole = (from: number, to: number) => from + Math.floor(random() * (to - from + 1));
  const counterparty = () => [BANKS[whole(0, BANKS.length - 1)]!, String(whole(10_000_000, 99_999_999))] as const;
  const isPensioner = random() < 0.2;
  const income = { day: whole(5, 14), cents: whole(4_000, 30_000) * 100, from: counterparty() };
  const household = { day: whole(10, 20), cents: whole(80, 900) * 1_000, to: counterparty() };
  return {
    number,
    cents: whole(5_000, 60_000) * 100,
    movementsOf(day, isLastOfMonth) {
      const movements: Movement[] = [];
      if (day === income.day) {
        movements.push({
          type: "PRIJEM",
          operation: "PREVOD Z UCTU",
          cents: income.cents,
          counterparty: income.from,
          ...(isPensioner && { category: "DUCHOD" }),
        });
      }
      if (day === household.day) {
        movements.push({
          type: "VYDAJ",
          operation: "PREVOD NA UCET",
          cents: household.cents,
          category: "SIPO",
          counterparty: household.to,
        });
      }
      if (random() < 0.055)
        movements.push({ type: random() < 0.1 ? "VYBER" : "VYDAJ", operation: "VYBER", cents: whole(2, 80) * 10_000 });
      if (isLastOfMonth) {
        movements.push({ type: "PRIJEM", cents: whole(500, 25_000), category: "UROK" });
        movements.push({ type: "VYDAJ", operation: "VYBER", cents: 1_460, category: "SLUZBY" });
      }
      return movements;
    },
  };
}

function rowOf(
  id: number,
  account: Account,
  date: string,
  { type, operation = "", cents, category = "", counterparty }: Movement,
): BankRow {
  return {
    trans_id: String(id),
    account_id: String(account.number),
    date,
    type,
    operation,
    amount: decimal(cents),
    balance: decimal(account.cents),
    k_symbol: category,
    bank: counterparty?.[0] ?? "",
    account: counterparty?.[1] ?? "",
  };
}

const decimal = (cents: number): string =>
  `${cents < 0 ? "-" : ""}${Math.floor(Math.abs(cents) / 100)}.${String(Math.abs(cents) % 100).padStart(2, "0")}`;

/** Tommy Ettinger's mulberry32: small, and good enough to invent people. */
function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
