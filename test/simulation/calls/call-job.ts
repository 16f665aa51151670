import {
  type CallContext,
  type Delivery,
  dead,
  defineJob,
  done,
  type Job,
  type Outcome,
  retry,
  type Schema,
  wait,
} from "mulgil";

export interface Request {
  readonly id: number;
  /** What is called in order, and whom it is about. */
  readonly key: string;
  readonly bank: string;
  readonly kind: "request" | "forget";
}

export interface Ended {
  readonly id: number;
  readonly key: string;
  readonly how: "done" | "dead" | "superseded" | "erased";
}

const record = <T>(name: string, fields: Readonly<Record<string, string>>): Schema<T> => ({
  avro: { type: "record", name, fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })) },
});

export const REQUEST_PARTITIONS = 2;
export const requests = {
  name: "requests",
  value: record<Request>("Request", { id: "long", key: "string", bank: "string", kind: "string" }),
  key: "key",
} as const;
export const ended = {
  name: "ended",
  value: record<Ended>("Ended", { id: "long", key: "string", how: "string" }),
  key: "key",
} as const;

/** What the institutions of a simulated world do. */
export interface Institutions {
  answer(request: Request, context: CallContext<string>): Promise<Outcome<Ended>>;
}

export interface CallJobOptions {
  readonly delivery: Delivery;
  readonly order: "strict" | "lastSuccessWins";
  readonly institutions: Institutions;
  /** Of what a task keeps in memory. */
  readonly admittedMax: number;
}

/** Calls for each request and says how each ended; in the order of their keys, and with somebody to be forgotten now and then. */
export const callJob = ({ delivery, order, institutions, admittedMax }: CallJobOptions): Job =>
  defineJob({
    name: "caller",
    version: 1,
    delivery,
    commitEvery: "100 ms",
    flow(from) {
      const called = from(requests).call("fetch", {
        resource: ({ bank }) => bank,
        orderKey: ({ key }) => key,
        order,
        concurrency: 8,
        admittedMax,
        tiers: ["50 ms", "150 ms", "400 ms"],
        policy: {
          timeout: "300 ms",
          concurrency: 3,
          queue: 2,
          circuit: { callsMin: 4, window: "2 seconds", openFor: "100 ms", openForMax: "400 ms", probes: 2 },
          retry: { attemptsMax: 1_000, backoff: "40 ms" },
        },
        erasure: { subject: ({ key }) => key, isOrder: ({ kind }) => kind === "forget" },
        handler: (request, context) => institutions.answer(request, context),
      });
      const as = (how: Ended["how"]) => (request: Request) => ({ id: request.id, key: request.key, how });
      called.to(ended);
      called.dead.map(({ value }) => as("dead")(value)).to(ended);
      called.superseded.map(as("superseded")).to(ended);
      called.erased.map(as("erased")).to(ended);
    },
  });

/** Requests that are refused for good. */
export const isRefused = ({ id }: Pick<Request, "id">): boolean => id % 17 === 5;

export const succeeded = ({ id, key }: Request): Outcome<Ended> => done({ id, key, how: "done" });
export const refusedForGood = (): Outcome<never> => dead("REFUSED", "never");
export const failed = (): Outcome<never> => retry("busy");
export const closed = (): Outcome<never> => wait("not now");
