import { randomUUID } from "node:crypto";
import { afterEach, expect, it } from "vitest";
import analyse from "../../jobs/mydata/analyse.ts";
import classify from "../../jobs/mydata/classify.ts";
import { collect } from "../../jobs/mydata/collect.ts";
import { readInstitutions } from "../../jobs/mydata/institutions.ts";
import { expectedAnalysis, plain } from "../../jobs/mydata/naive-analysis.fixture.ts";
import { planCollection } from "../../jobs/mydata/plan-collection.ts";
import profile from "../../jobs/mydata/profile.ts";
import terminate from "../../jobs/mydata/terminate.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { analyses } from "../../schemas/types/mydata/analysis.ts";
import { classifiedTransactions } from "../../schemas/types/mydata/classified-transaction.ts";
import { collectedRecords } from "../../schemas/types/mydata/collected-record.ts";
import { collectionRequests } from "../../schemas/types/mydata/collection-request.ts";
import { completions } from "../../schemas/types/mydata/completion.ts";
import { consents } from "../../schemas/types/mydata/consent.ts";
import { consentEvents } from "../../schemas/types/mydata/consent-event.ts";
import { erasures } from "../../schemas/types/mydata/erasure.ts";
import { erasureReceipts } from "../../schemas/types/mydata/erasure-receipt.ts";
import { profiles } from "../../schemas/types/mydata/profile.ts";
import { userEvents } from "../../schemas/types/mydata/user-event.ts";
import { startInstitutions } from "../../scripts/institutions/start-institutions.ts";
import { openHarness } from "./harness.ts";

const DAY_MS = 86_400_000;
const PARTITIONS = 2;
const topics = [
  ...[userEvents, consents, collectionRequests, collectedRecords, completions, consentEvents],
  ...[classifiedTransactions, analyses, profiles, erasures, erasureReceipts],
];
const customers = ["ann", "bob", "cho"];
const definitions = [
  { id: "bank-01", industry: "bank", behaviour: { pageItemsMax: 20 } },
  { id: "card-01", industry: "card", behaviour: { cursors: "duplicated" } },
  { id: "insu-01", industry: "insu" },
] as const;
const resources = ["accounts", "balances", "transactions", "cards", "approvals", "policies", "premiums"];

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function openSystem() {
  const mocks = await startInstitutions({ clock: systemClock, seed: 7, institutions: definitions });
  cleanups.push(() => mocks.close());
  const table = definitions.map(({ id, industry }) => ({ id, industry, baseUrl: mocks.url(id) }));
  const institutions = readInstitutions(table);
  const harness = await openHarness();
  for (const { name } of topics) await harness.createTopic(name, PARTITIONS);
  const collecting = collect({
    ...{ institutions, fetch: (url, init) => fetch(url, init), now: systemClock.now },
    newTransactionId: () => randomUUID().slice(0, 25),
  });
  const jobs = [planCollection(institutions), collecting, classify, analyse, profile, terminate];
  const run = await harness.start(jobs);
  cleanups.push(() => run.stop());
  return { harness, run, mocks };
}

type System = Awaited<ReturnType<typeof openSystem>>;

async function consent({ harness }: System): Promise<void> {
  const grantedAt = systemClock.now();
  await harness.produce(
    consents,
    customers.map((customerId) => ({
      customerId,
      changedAt: grantedAt,
      grants: definitions.map(({ id }) => ({
        ...{ institution: id, resources, authorizationCode: customerId },
        ...{ grantedAt, expiresAt: grantedAt + 365 * DAY_MS },
      })),
    })),
  );
}

const click = ({ harness }: System, customerId: string, page: string, action: string, institutions: string[] = []) =>
  harness.produce(userEvents, [
    { eventId: randomUUID(), customerId, page, action, institutions, occurredAt: systemClock.now() },
  ]);

/** The latest value of each key, as a reader of the compacted topic sees it. */
async function latest<V>(read: Promise<readonly { readonly key: string; readonly value: V }[]>) {
  return new Map((await read).map(({ key, value }) => [key, value as V | null]));
}

const requestsOf = async ({ harness }: System) =>
  (await harness.read(collectionRequests)).map(({ value }) => value).filter(({ kind }) => kind === "collect");

it("collects, classifies, analyses, keeps profiles, and forgets", async () => {
  const system = await openSystem();
  const { harness, run, mocks } = system;
  const profileOf = async (customer: string) => (await latest(harness.read(profiles))).get(customer);
  // A profile in between two waves of requests looks complete, too: the work must be at its end.
  const isComplete = async () => {
    await run.untilIdle();
    await expect
      .poll(async () => {
        const found = await latest(harness.read(profiles));
        return customers.map((customer) => [
          found.get(customer)?.completeInstitutions,
          found.get(customer)?.outstanding,
        ]);
      })
      .toEqual(customers.map(() => [3, 0]));
  };

  await consent(system);
  await isComplete();
  const before = (await requestsOf(system)).length;
  await click(system, "ann", "assets", "refresh");
  await expect.poll(async () => (await requestsOf(system)).length).toBeGreaterThan(before);
  await isComplete();

  await click(system, "bob", "member", "leave");
  await click(system, "cho", "authentication", "withdraw", ["bank-01"]);
  await expect.poll(async () => await profileOf("bob")).toBeNull();
  await expect
    .poll(async () => (await profileOf("cho"))?.institutions.map(({ institution }) => institution))
    .toEqual(["card-01", "insu-01"]);
  await expect
    .poll(async () => (await harness.read(erasureReceipts)).map(({ key }) => key).sort())
    .toEqual(["bob", "cho"]);
  await run.untilIdle();

  const transactions = (await harness.read(classifiedTransactions)).map(({ value }) => value);
  const orders = (await harness.read(erasures)).map(({ value }) => value);
  const expected = customers.map((customer) =>
    expectedAnalysis([...transactions, ...orders].filter(({ customerId }) => customerId === customer)),
  );
  expect(expected.map((one) => one === null)).toEqual([false, true, false]);
  await expect
    .poll(async () => {
      const found = await latest(harness.read(analyses));
      return customers.map((customer) => (found.get(customer) ? plain(found.get(customer)!) : null));
    })
    .toEqual(expected);
  expect((await latest(harness.read(consents))).get("bob")).toBeNull();

  const requests = await requestsOf(system);
  const ends = (await harness.read(completions)).map(({ value }) => value);
  expect(ends.map(({ requestId }) => requestId).sort()).toEqual(requests.map(({ requestId }) => requestId).sort());
  expect(ends.filter(({ outcome }) => outcome !== "succeeded" && outcome !== "unchanged")).toEqual([]);
  const status = await run.status();
  expect(status.map(({ job, deadLetters }) => [job, deadLetters])).toEqual(status.map(({ job }) => [job, 0]));
  for (const { id } of definitions) expect(mocks.stats(id).deliveries.repeated).toBe(0);
}, 120_000);
