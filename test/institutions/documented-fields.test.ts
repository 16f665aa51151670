import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { institutionsOf } from "../../scripts/institutions/institutions-of.ts";
import { january, startCaller } from "./support.ts";

type Fields = Readonly<Record<string, unknown>>;

const PAGE = new URL("../../docs/INSTITUTIONS.md", import.meta.url);

/** The fields of an answer, and those of the first item of its list. */
function shapesOf(answer: Fields): readonly string[] {
  const items = Object.entries(answer).find(([name]) => name.endsWith("_list"))?.[1] as readonly Fields[] | undefined;
  return items === undefined ? [shape(answer)] : [shape(answer), shape(items[0]!)];
}

const shape = (fields: Fields): string => Object.keys(fields).join(" ");

it("answers with the fields that docs/INSTITUTIONS.md has, in their order", async () => {
  const page = readFileSync(PAGE, "utf8");
  const documented = [...page.matchAll(/^```json\n([\s\S]*?)^```$/gm)].flatMap(([, json]) =>
    shapesOf(JSON.parse(json!)),
  );
  const caller = await startCaller(institutionsOf(3));
  const seen = new Set<string>();
  const call = async (institution: string, path: string, body?: object) => {
    const { access: token } = await caller.consent(institution);
    const reply = await caller.call(institution, path, { token, ...(body && { body }) });
    expect([path, reply.code]).toEqual([path, "00000"]);
    for (const each of shapesOf(reply.body)) seen.add(each);
    return reply.body;
  };
  const grant = { grant_type: "authorization_code", code: "customer-1" };
  await call("bank-01", "/oauth/2.0/token", grant);
  const [account] = (await call("bank-01", "/v1/bank/accounts")).account_list;
  for (const what of ["basic", "detail", "transactions"])
    await call("bank-01", `/v1/bank/accounts/deposit/${what}`, { account_num: account.account_num, ...january });
  const [card] = (await call("card-01", "/v1/card/cards")).card_list;
  const range = new URLSearchParams(january);
  await call("card-01", `/v1/card/cards/${card.card_id}/approval-domestic?${range}`);
  await call("card-01", "/v1/card/bills?from_month=202512&to_month=202601");
  await call("card-01", "/v1/card/payments");
  const [policy] = (await call("insu-01", "/v1/insu/insurances")).insu_list;
  const year = { from_date: "20250101", to_date: "20251231" };
  for (const what of ["basic", "transactions"])
    await call("insu-01", `/v1/insu/insurances/${what}`, { insu_num: policy.insu_num, ...year });
  expect(documented.length).toBeGreaterThan(10);
  for (const each of documented) expect(seen).toContain(each);
});
