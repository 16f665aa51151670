import { type CallContext, type CircuitPolicy, defineJob, done, type Outcome, retry, type Schema } from "mulgil";

export interface Request {
  readonly id: number;
  /** Of a customer and a bank: what is called in order. */
  readonly key: string;
  readonly bank: string;
}

export interface Ended {
  readonly id: number;
  readonly key: string;
  readonly how: "done" | "dead" | "superseded";
}

/** Which calls job it is. As JSON it goes to the processes that run it. */
export interface CallsVariant {
  readonly order: "strict" | "lastSuccessWins";
  /** Address of the banks. */
  readonly banks: string;
  /** @default 0 */
  readonly standbys?: number;
  /** @default soon over */
  readonly circuit?: Pick<CircuitPolicy, "openFor" | "openForMax">;
}

const SOON_OVER = { openFor: "1 second", openForMax: "5 seconds" } as const;

const record = <T>(name: string, fields: Readonly<Record<string, string>>): Schema<T> => ({
  avro: { type: "record", name, fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })) },
});
const request = record<Request>("Request", { id: "long", key: "string", bank: "string" });
const ending = record<Ended>("Ended", { id: "long", key: "string", how: "string" });

/** On a call: which process made it and when, by the wall clock. */
export const CALL_HEADERS = {
  idempotencyKey: "x-mulgil-idempotency-key",
  pid: "x-pid",
  begunMs: "x-begun-ms",
} as const;

export type CallsJob = ReturnType<typeof callsJob>;

/** Calls a bank over HTTP for each request, under exactly-once, and says of each how it ended. Waits are short, and attempts as many as an outage takes. */
export function callsJob(name: string, { order, banks, standbys = 0, circuit = SOON_OVER }: CallsVariant) {
  const requests = { name: `${name}.requests`, value: request, key: "key" } as const;
  const ended = { name: `${name}.ended`, value: ending, key: "key" } as const;
  const job = defineJob({
    name,
    version: 1,
    commitEvery: "200 ms",
    standbys,
    flow(from) {
      const called = from(requests).call("fetch", {
        resource: ({ bank }) => bank,
        orderKey: ({ key }) => key,
        order,
        tiers: ["500 ms", "2 seconds", "5 seconds"],
        policy: {
          circuit: { callsMin: 10, window: "10 seconds", ...circuit },
          retry: { attemptsMax: 10_000, backoff: "400 ms" },
        },
        handler: (value, context) => callBank(banks, value, context),
      });
      const as = (how: Ended["how"]) => (value: Request) => ({ id: value.id, key: value.key, how });
      called.map(as("done")).to(ended);
      called.dead.map(({ value }) => as("dead")(value)).to(ended);
      called.superseded.map(as("superseded")).to(ended);
    },
  });
  return { requests, ended, job };
}

async function callBank(
  banks: string,
  request: Request,
  { idempotencyKey, signal }: CallContext<string>,
): Promise<Outcome<Request>> {
  const headers = {
    [CALL_HEADERS.idempotencyKey]: idempotencyKey,
    [CALL_HEADERS.pid]: String(process.pid),
    [CALL_HEADERS.begunMs]: String(Date.now()),
  };
  const response = await fetch(`${banks}/${request.bank}/${request.id}`, { method: "POST", headers, signal });
  await response.text();
  return response.ok ? done(request) : retry(`answered ${response.status}`);
}
