import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { InvariantError } from "../../errors/errors.ts";
import type { Access } from "./access/access.ts";
import type { TlsIdentity } from "./access/tls-identity.ts";
import { answerOf, bodyOf, HttpError, notFound } from "./http-error.ts";
import { addOpenApi, describeRoutes } from "./openapi.ts";
import type { WorkerContext, WorkerRoutes } from "./worker-routes.ts";

/** No request of this interface carries much. */
const BODY_BYTES_MAX = 64 * 1024;
/** Keys of stores stand in paths. */
const PARAMETER_LENGTH_MAX = 4_096;
/** Whoever sends a request byte by byte is not waited for. */
const REQUEST_MAX_MS = 10_000;
const ANSWER_MAX_MS = 30_000;
const IDLE_MAX_MS = 30_000;
const CONNECTIONS_MAX = 256;
const BOUNDS = { headersTimeout: REQUEST_MAX_MS, connectionsCheckingInterval: 1_000 };

/** The HTTP interface of a worker with these routes; it listens nowhere yet. */
export async function createWorkerApp(
  routes: readonly WorkerRoutes[],
  context: WorkerContext,
  { access, tls }: { readonly access: Access; readonly tls: TlsIdentity | undefined },
): Promise<FastifyInstance> {
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_MAX_MS,
    handlerTimeout: ANSWER_MAX_MS,
    keepAliveTimeout: IDLE_MAX_MS,
    ...(tls === undefined ? { http: BOUNDS } : { https: { ...BOUNDS, ...tls, minVersion: "TLSv1.2" } }),
    forceCloseConnections: true,
    routerOptions: { maxParamLength: PARAMETER_LENGTH_MAX },
    frameworkErrors: (error, _request, reply) => void refuse(reply, answerOf(error)),
    // What a caller has too much is his mistake, and not taken away in silence.
    ajv: { customOptions: { removeAdditional: false } },
  });
  app.server.maxConnections = CONNECTIONS_MAX;
  app.decorateRequest("caller", undefined);
  app.setSerializerCompiler(() => JSON.stringify);
  app.setErrorHandler((error, _request, reply) => refuse(reply, answerOf(error)));
  app.setNotFoundHandler((request, reply) => refuse(reply, unknownRoute(app, request)));
  app.addHook("onRequest", secure);
  app.addHook("onRequest", async (request) => {
    const { role } = request.routeOptions.config;
    if (!request.is404 && role !== "public") request.caller = await access.admit(request, role!);
  });
  app.addHook("onRoute", ({ url, config }) => {
    if (config?.role === undefined)
      throw new InvariantError(`the route ${url} does not say who may call it`, { code: "HTTP_ROUTE_OPEN" });
  });
  await describeRoutes(app);
  addOpenApi(app);
  for (const add of routes) add(app, context);
  return app;
}

function refuse(reply: FastifyReply, error: HttpError): FastifyReply {
  return reply.code(error.status).headers(error.headers).type("application/json; charset=utf-8").send(bodyOf(error));
}

const METHODS = ["GET", "POST", "PUT", "DELETE"] as const;

function unknownRoute(app: FastifyInstance, { method, url }: FastifyRequest): HttpError {
  const path = url.split("?")[0]!;
  const allowed = METHODS.filter((each) => app.hasRoute({ method: each, url: path }));
  if (allowed.length === 0) return notFound("there is nothing here: GET /openapi.json lists what there is");
  return new HttpError(`${path} does not know ${method}, only ${allowed.join(", ")}`, {
    code: "HTTP_METHOD",
    status: 405,
    headers: { allow: allowed.join(", ") },
  });
}

async function secure(_request: FastifyRequest, reply: FastifyReply): Promise<void> {
  reply.headers({
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
  });
}
