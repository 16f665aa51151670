import { TestDriver } from "mulgil/testing";
import { describe, expect, it } from "vitest";
import { collectedRecords } from "../../schemas/types/mydata/collected-record.ts";
import { type CollectionRequest, collectionRequests } from "../../schemas/types/mydata/collection-request.ts";
import { completions } from "../../schemas/types/mydata/completion.ts";
import { consentEvents } from "../../schemas/types/mydata/consent-event.ts";
import { collect } from "./collect.ts";
import { ok, page, refused, request } from "./institution.fixture.ts";
import { institutions, MINUTE_MS, START_MS } from "./mydata.fixture.ts";

type Answer = ReturnType<typeof ok>;

/** The job, and institutions that answer as the test says at that moment. */
class Collection {
  readonly driver: TestDriver;
  readonly #institution: { answer: (url: string) => Answer; questions: number };

  private constructor(driver: TestDriver, institution: { answer: (url: string) => Answer; questions: number }) {
    this.driver = driver;
    this.#institution = institution;
  }

  static async open(): Promise<Collection> {
    const institution: { answer: (url: string) => Answer; questions: number } = {
      answer: () => page(1, 2),
      questions: 0,
    };
    let nowMs = () => START_MS;
    let calls = 0;
    const job = collect({
      institutions,
      now: () => nowMs(),
      newTransactionId: () => String(++calls).padStart(25, "0"),
      fetch: async (url) => {
        const isToken = url.endsWith("/oauth/2.0/token");
        if (!isToken) institution.questions++;
        const {
          body,
          status = 200,
          headers = {},
        } = isToken ? ok({ access_token: "a", refresh_token: "r" }) : institution.answer(url);
        return Response.json(body, { status, headers });
      },
    });
    const driver = await TestDriver.open(job, { startMs: START_MS });
    nowMs = () => driver.nowMs;
    return new Collection(driver, institution);
  }

  get questions(): number {
    return this.#institution.questions;
  }

  answer(answer: (url: string) => Answer): void {
    this.#institution.answer = answer;
  }

  async ask(...requests: readonly CollectionRequest[]): Promise<void> {
    for (const one of requests) await this.driver.pipe(collectionRequests, one);
  }

  async ends(): Promise<string[]> {
    return (await this.driver.read(completions)).map(({ value: { requestId, outcome, code, attempts } }) =>
      [requestId, outcome, code, attempts].join(" "),
    );
  }

  async later(ms: number, steps = 1): Promise<void> {
    for (let step = 0; step < steps; step++) await this.driver.advanceTo(this.driver.nowMs + ms);
  }

  async records(): Promise<number> {
    return (await this.driver.read(collectedRecords)).length;
  }
}

const r = (n: number, change: Partial<CollectionRequest> = {}) =>
  request({ requestId: `r${n}`, requestedAt: START_MS + n, ...change });

const erase = (n: number) => r(n, { kind: "erase", resource: "", assetId: null });

describe("the collect job", () => {
  it("writes records and one completion", async () => {
    const collection = await Collection.open();
    await collection.ask(r(1));
    expect(await collection.records()).toBe(2);
    expect(await collection.ends()).toEqual(["r1 succeeded 00000 1"]);
  });

  it("tries again until it succeeds", async () => {
    const collection = await Collection.open();
    collection.answer(() => refused("50001"));
    await collection.ask(r(1));
    await collection.later(MINUTE_MS);
    expect(await collection.ends()).toEqual([]);
    collection.answer(() => page(1, 2));
    await collection.later(10 * MINUTE_MS, 3);
    expect(await collection.ends()).toEqual(["r1 succeeded 00000 3"]);
    expect(collection.driver.deadLetters()).toEqual([]);
  });

  it("ends a request that cannot succeed as a dead letter and a failed completion", async () => {
    const collection = await Collection.open();
    collection.answer(() => refused("40002"));
    await collection.ask(r(1));
    expect(await collection.ends()).toEqual(["r1 failed MYDATA_BAD_REQUEST 1"]);
    expect(collection.driver.deadLetters()).toMatchObject([{ code: "MYDATA_BAD_REQUEST" }]);
    collection.answer(() => refused("50001"));
    await collection.ask(r(2));
    await collection.later(60 * MINUTE_MS, 30);
    expect(await collection.ends()).toEqual([expect.stringMatching(/^r2 failed \S+ 10$/)]);
    expect(collection.driver.deadLetters()).toHaveLength(1);
  });

  it("tells whoever keeps consents, and completes", async () => {
    const collection = await Collection.open();
    collection.answer(() => refused("40106"));
    await collection.ask(r(1));
    expect(await collection.driver.read(consentEvents)).toMatchObject([{ key: "ann", value: { code: "40106" } }]);
    expect(await collection.ends()).toEqual(["r1 failed 40106 1"]);
  });

  it("waits through a maintenance of a day: no call, no attempt, no dead letter", async () => {
    const collection = await Collection.open();
    const until = new Date(START_MS + 24 * 60 * MINUTE_MS).toISOString();
    collection.answer(() => refused("50008", { maintenance_until: until }));
    await collection.ask(r(1), r(2, { assetId: "a2" }));
    await collection.later(60 * MINUTE_MS, 20);
    expect(collection.questions).toBe(1);
    collection.answer(() => page(1, 1));
    await collection.later(60 * MINUTE_MS, 6);
    expect((await collection.ends()).map((end) => end.split(" ").slice(0, 2).join(" ")).sort()).toEqual([
      "r1 succeeded",
      "r2 succeeded",
    ]);
    expect(collection.driver.deadLetters()).toEqual([]);
  });

  it("does not make scheduled calls outside the windows, and makes others", async () => {
    const collection = await Collection.open();
    collection.answer(() => ok({ approved_list: [] }));
    const card = { institution: "card-01", resource: "approvals" } as const;
    await collection.ask(r(1, { ...card, apiType: "scheduled" }));
    expect(collection.questions).toBe(0);
    await collection.ask(r(2, { ...card, assetId: "a2" }));
    expect(await collection.ends()).toEqual(["r2 succeeded 00000 1"]);
    await collection.later(60 * MINUTE_MS, 13);
    expect(await collection.ends()).toEqual(["r1 succeeded 00000 1"]);
  });

  it("lets the last success decide: an older request that is tried again is superseded", async () => {
    const collection = await Collection.open();
    collection.answer(() => refused("50001"));
    await collection.ask(r(1));
    collection.answer(() => page(1, 2));
    await collection.ask(r(2));
    expect(await collection.ends()).toEqual(["r2 succeeded 00000 1"]);
    const { questions } = collection;
    await collection.later(60 * MINUTE_MS, 2);
    expect(await collection.ends()).toEqual([expect.stringMatching(/^r1 superseded/)]);
    expect(collection.questions).toBe(questions);
  });

  it("forgets what is tried again, and nothing of other customers, institutions and times", async () => {
    const collection = await Collection.open();
    collection.answer((url) => refused(url.includes("bank-01") ? "50001" : "50003"));
    const elsewhere = { institution: "card-01", resource: "approvals" } as const;
    await collection.ask(r(1), r(2, elsewhere), r(3, { customerId: "bob", authorizationCode: "bob" }), erase(4), r(5));
    collection.answer((url) => (url.includes("bank-01") ? page(1, 1) : ok({ approved_list: [] })));
    await collection.later(60 * MINUTE_MS, 3);
    const ended = (await collection.ends()).map((end) => end.split(" ").slice(0, 2).join(" "));
    expect(ended.sort()).toEqual(["r2 succeeded", "r3 succeeded", "r5 succeeded"]);
    expect(collection.driver.deadLetters()).toEqual([]);
  });

  it("makes a dead letter and a failed completion of a request to an institution that it does not know", async () => {
    const collection = await Collection.open();
    await collection.ask(r(1, { institution: "bank-99" }));
    expect(await collection.ends()).toEqual(["r1 failed MYDATA_UNKNOWN_INSTITUTION 1"]);
    expect(collection.driver.deadLetters()).toHaveLength(1);
  });
});
