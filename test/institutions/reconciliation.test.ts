import { expect, it } from "vitest";
import { bank, type Caller, HOUR_MS, january, startCaller } from "./support.ts";

const ACCOUNTS = "/v1/bank/accounts";
const TRANSACTIONS = "/v1/bank/accounts/deposit/transactions";

const deliveries = (caller: Caller) => caller.institutions.deliveries("bank-01");
const totals = (caller: Caller) => caller.institutions.stats("bank-01").deliveries;

it("counts a request by its key when its last page was answered, and tells what was collected twice", async () => {
  const caller = await startCaller([bank({ pageItemsMax: 10 })]);
  const { access: token } = await caller.consent("bank-01");
  const account_num = await caller.firstAccount("bank-01", token);
  caller.clock.advance(20 * 24 * HOUR_MS);
  const page = (cursor?: string) =>
    caller.call("bank-01", TRANSACTIONS, {
      token,
      idempotencyKey: "request-1",
      body: { account_num, ...january, ...(cursor && { next_page: cursor }) },
    });
  const ofRequest = () => deliveries(caller).filter(({ idempotencyKey }) => idempotencyKey === "request-1");
  const toTheEnd = async () => {
    let { body } = await page();
    while (body.next_page !== null) {
      body = (await page(body.next_page)).body;
    }
  };
  await page();
  expect(ofRequest()).toEqual([]);
  await toTheEnd();
  const expected = {
    idempotencyKey: "request-1",
    customer: "customer-1",
    resource: `/accounts/deposit/transactions ${account_num}`,
    completions: 1,
    unchanged: 0,
  };
  await expect.poll(ofRequest).toEqual([expected]);
  expect(totals(caller).repeated).toBe(0);
  await toTheEnd();
  await expect.poll(ofRequest).toEqual([{ ...expected, completions: 2 }]);
  expect(totals(caller).repeated).toBe(1);
  await toTheEnd();
  await expect.poll(ofRequest).toEqual([{ ...expected, completions: 3 }]);
  expect(totals(caller).repeated).toBe(1);
});

it("counts answers without data apart, and calls without a key together", async () => {
  const caller = await startCaller();
  const { access: token } = await caller.consent("bank-01");
  const { body } = await caller.call("bank-01", ACCOUNTS, { token });
  await caller.call("bank-01", ACCOUNTS, { token });
  await caller.call("bank-01", `${ACCOUNTS}?search_timestamp=${body.search_timestamp}`, { token });
  await expect
    .poll(() => deliveries(caller))
    .toEqual([{ idempotencyKey: "", customer: "customer-1", resource: "/accounts", completions: 2, unchanged: 1 }]);
  expect(totals(caller)).toEqual({ completions: 2, unchanged: 1, repeated: 0, forgotten: 0 });
});

it("forgets the oldest deliveries beyond its limit, and says so", async () => {
  const caller = await startCaller([bank()], { deliveriesMax: 3 });
  const { access: token } = await caller.consent("bank-01");
  for (let request = 1; request <= 5; request++)
    await caller.call("bank-01", ACCOUNTS, { token, idempotencyKey: `request-${request}` });
  await expect
    .poll(() => deliveries(caller).map(({ idempotencyKey }) => idempotencyKey))
    .toEqual(["request-3", "request-4", "request-5"]);
  expect(totals(caller)).toEqual({ completions: 5, unchanged: 0, repeated: 0, forgotten: 2 });
});
