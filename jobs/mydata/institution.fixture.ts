import type { CollectionRequest } from "../../schemas/types/mydata/collection-request.ts";
import { type CollectOutput, collectorOf } from "./collector.ts";
import { institutions, START_MS } from "./mydata.fixture.ts";

export interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly parameters: Readonly<Record<string, unknown>>;
}

type Answer = Readonly<{ status?: number; headers?: Record<string, string>; body: unknown }>;
type Script = (sent: Sent) => Answer | Response | Promise<Answer | Response>;

export const ok = (body: object = {}): Answer => ({
  body: { rsp_code: "00000", rsp_msg: "SUCCESS", search_timestamp: "20260106000000", next_page: null, ...body },
});

export const refused = (code: string, more: object = {}, headers: Record<string, string> = {}): Answer => ({
  status: Number(code.slice(0, 3)),
  body: { rsp_code: code, rsp_msg: "REFUSED", ...more },
  headers,
});

export const transaction = (n: number, change: object = {}) => ({
  trans_no: `t${n}`,
  trans_dtime: "20260105121455",
  trans_type: "WITHDRAWAL",
  currency_code: "KRW",
  trans_amt: "4500",
  balance_amt: "1922310",
  trans_memo: "HANGANG COFFEE 12",
  ...change,
});

export const page = (first: number, last: number, next: string | null = null) =>
  ok({
    trans_list: Array.from({ length: last - first + 1 }, (_, n) => transaction(first + n)),
    next_page: next,
  });

export const request = (change: Partial<CollectionRequest> = {}): CollectionRequest => ({
  requestId: "r1",
  customerId: "ann",
  kind: "collect",
  institution: "bank-01",
  resource: "transactions",
  assetId: "a1",
  apiType: "userSearch",
  why: "spending home",
  forced: false,
  requestedAt: START_MS,
  fromDate: "2025-12-08",
  toDate: "2026-01-07",
  searchTimestamp: null,
  authorizationCode: "code-of-ann",
  consentedAt: START_MS - 1_000,
  ...change,
});

/** An institution that answers as the test says, and the collector that asks it. */
export class FakeInstitution {
  readonly sent: Sent[] = [];
  readonly #script: Script;
  #tokens = 0;
  readonly collect;

  constructor(script: Script) {
    this.#script = script;
    let ids = 0;
    this.collect = collectorOf({
      fetch: (url, init) => this.#answer(url, init),
      newTransactionId: () => String(++ids).padStart(25, "0"),
      institutionOf: (id) => institutions.get(id)!,
      now: () => START_MS + 500,
    });
  }

  /** Collects, and gives the outcome with what is in it by kind. */
  async run(asked = request(), signal = new AbortController().signal) {
    const outcome = await this.collect(asked, { signal, idempotencyKey: "key-1", attempt: 3 });
    const values: readonly CollectOutput[] = outcome.kind === "done" ? outcome.values : [];
    return {
      outcome,
      records: values.flatMap((value) => (value.kind === "record" ? [value.record] : [])),
      refusals: values.flatMap((value) => (value.kind === "refusal" ? [value.refusal] : [])),
      completions: values.flatMap((value) => (value.kind === "completion" ? [value.completion] : [])),
    };
  }

  get questions(): readonly Sent[] {
    return this.sent.filter(({ url }) => !url.includes("/oauth/"));
  }

  get tokenRequests(): readonly Sent[] {
    return this.sent.filter(({ url }) => url.includes("/oauth/"));
  }

  async #answer(url: string, { method, headers, body, signal }: RequestInit): Promise<Response> {
    const parameters =
      typeof body === "string" ? JSON.parse(body) : Object.fromEntries(new URL(url).searchParams.entries());
    const sent: Sent = { url, method: method!, headers: headers as Record<string, string>, parameters };
    this.sent.push(sent);
    signal!.throwIfAborted();
    const answer = await this.#script(sent);
    if (answer instanceof Response) return answer;
    return new Response(JSON.stringify(answer.body), { status: answer.status ?? 200, headers: answer.headers ?? {} });
  }

  /** For scripts: tokens a1 and r1, then a2 and r2, … */
  readonly issue = () => {
    this.#tokens++;
    return ok({ access_token: `a${this.#tokens}`, refresh_token: `r${this.#tokens}` });
  };
}

/** Issues tokens, and answers everything else as the script says. */
export function fakeInstitution(script: Script): FakeInstitution {
  const fake: FakeInstitution = new FakeInstitution((sent) =>
    sent.url.endsWith("/oauth/2.0/token") ? fake.issue() : script(sent),
  );
  return fake;
}
