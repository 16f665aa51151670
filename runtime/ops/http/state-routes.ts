import { MulgilError } from "../../../schemas/mulgil-error.ts";
import { type EntriesRequest, LIMIT_MAX, type LocalState, type StoresRequest } from "../state/local-state.ts";
import { Verifications } from "../state/verifications.ts";
import { HttpError, notFound, notYet } from "./http-error.ts";
import { type RevealRequest, RevealTrail, revealParameters } from "./reveal-trail.ts";
import { entriesAnswer, jobStores, storeParameters, verification } from "./state-schemas.ts";
import type { WorkerRoutes } from "./worker-routes.ts";

interface VerificationBody extends Omit<RevealRequest, "reveal"> {
  readonly recordsPerSecond?: number;
  readonly reveals?: boolean;
}

interface StorePath {
  readonly job: string;
  readonly store: string;
}

const text = { type: "string" };
const REVEALS =
  "tells the entries that differ as they are; needs why, and is recorded in the audit trail before it begins";
const RECORDS_PER_SECOND = 50_000;

/** The HTTP status of what the state answers. */
const STATUS: Readonly<Record<string, number>> = {
  STATE_KEY: 400,
  STATE_QUERY: 400,
  KEY_INVALID: 400,
  STATE_STORE_UNKNOWN: 404,
  STATE_TASK_ABSENT: 409,
  STATE_VERIFICATIONS_MAX: 429,
};

/**
 * Reads the stores of the tasks in this process. Names, sizes and positions are for viewers; entries hold what records held, so they are for operators, and
 * personal data in them is hidden unless that is asked for, with a reason.
 */
export const stateRoutes: WorkerRoutes = (app, { run, clock }) => {
  const trail = new RevealTrail(clock);
  let verifications: { readonly of: LocalState; readonly all: Verifications } | undefined;
  const state = (job?: string): LocalState => {
    const running = run();
    if (running?.state === undefined) throw notYet();
    if (job !== undefined && !running.members().some((member) => member.job === job))
      throw notFound(`no member of job "${job}" is in this process`);
    return running.state;
  };
  const verifying = (): Verifications => {
    const of = state();
    if (verifications?.of !== of) verifications = { of, all: new Verifications(of) };
    return verifications.all;
  };

  app.get<{ Params: { readonly job: string }; Querystring: StoresRequest }>(
    "/jobs/:job/stores",
    {
      config: { role: "viewer" },
      schema: {
        summary: "The stores of a job's tasks in this process; with counts=true how many entries they hold",
        tags: ["state"],
        params: { type: "object", properties: { job: text } },
        querystring: {
          type: "object",
          additionalProperties: false,
          properties: { task: text, store: text, counts: { type: "boolean" } },
        },
        response: { 200: jobStores },
      },
    },
    async ({ params: { job }, query }) => ({
      job,
      stores: await answered(state(job).stores(job, query)),
    }),
  );

  app.get<{ Params: StorePath; Querystring: EntriesRequest & RevealRequest }>(
    "/jobs/:job/stores/:store/entries",
    {
      config: { role: "operator" },
      schema: {
        summary: "Entries of a store, as the last commits of the tasks in this process have left them",
        tags: ["state"],
        params: storeParameters,
        querystring: {
          type: "object",
          additionalProperties: false,
          properties: {
            ...{ key: text, entryKey: text, prefix: text, task: text, after: text },
            ...{ fromWindowMs: { type: "integer" }, toWindowMs: { type: "integer" } },
            limit: { type: "integer", minimum: 1, maximum: LIMIT_MAX },
            ...revealParameters,
          },
        },
        response: { 200: entriesAnswer },
      },
    },
    async ({ params: { job, store }, query, caller }) => {
      const of = state(job);
      const reveals = await trail.note(of.environment.log, caller!, `job ${job}, store ${store}`, query);
      return await answered(of.entries(job, store, query, reveals));
    },
  );

  app.post<{ Params: StorePath & { readonly task: string }; Body: VerificationBody | null }>(
    "/jobs/:job/stores/:store/tasks/:task/verifications",
    {
      config: { role: "operator" },
      schema: {
        summary: "Compares a store with what a restore would build of its changelog, in the background",
        tags: ["state"],
        params: { ...storeParameters, properties: { ...storeParameters.properties, task: text } },
        body: {
          type: ["object", "null"],
          additionalProperties: false,
          properties: {
            recordsPerSecond: { type: "integer", minimum: 1 },
            reveals: { ...revealParameters.reveal, description: REVEALS },
            ...{ why: revealParameters.why, by: revealParameters.by },
          },
        },
        response: { 202: verification },
      },
    },
    async ({ params, body, caller }, reply) => {
      const { recordsPerSecond = RECORDS_PER_SECOND, reveals: reveal = false, ...told } = body ?? {};
      const { log } = state(params.job).environment;
      const target = `job ${params.job}, store ${params.store}, what differs`;
      const reveals = await trail.note(log, caller!, target, { ...told, reveal });
      reply.code(202);
      return await answered(async () => verifying().start({ ...params, recordsPerSecond, reveals }));
    },
  );

  app.get<{ Params: { readonly id: string } }>(
    "/verifications/:id",
    {
      config: { role: "operator" },
      schema: {
        summary: "How far a verification is, or what it has found; one that nobody asks for ends after half a minute",
        tags: ["state"],
        params: { type: "object", properties: { id: text } },
        response: { 200: verification },
      },
    },
    ({ params: { id } }) => {
      const found = verifying().find(id);
      if (found === undefined) throw unknownVerification();
      return found;
    },
  );

  app.post<{ Params: { readonly id: string } }>(
    "/verifications/:id/cancel",
    {
      config: { role: "operator" },
      schema: {
        summary: "Ends a verification",
        tags: ["state"],
        params: { type: "object", properties: { id: text } },
        response: { 200: verification },
      },
    },
    ({ params: { id } }) => {
      const found = verifying().cancel(id);
      if (found === undefined) throw unknownVerification();
      return found;
    },
  );
};

const unknownVerification = () =>
  notFound("there is no such verification: it ended long ago, or the worker was started anew");

async function answered<T>(work: Promise<T> | (() => Promise<T>)): Promise<T> {
  try {
    return await (typeof work === "function" ? work() : work);
  } catch (error) {
    const status = error instanceof MulgilError ? STATUS[error.code] : undefined;
    if (status === undefined) throw error;
    throw new HttpError((error as MulgilError).message, { code: (error as MulgilError).code, status, cause: error });
  }
}
