import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Clock } from "../../runtime/time/clock.ts";
import type { Answer } from "./answer.ts";
import { answerResource } from "./answer-resource.ts";
import { answerRevoke, answerToken } from "./answer-token.ts";
import type { CallPlan, Institution } from "./institution.ts";
import type { Parameters } from "./parameters.ts";
import { RefusedRequest } from "./refused-request.ts";
import { responseCode } from "./response-code.ts";
import { serveCall } from "./serve-call.ts";

const KEY_CHARACTERS_MAX = 200;

interface RoutedCall {
  readonly request: FastifyRequest;
  readonly plan: CallPlan;
  readonly nowMs: number;
}

/** All paths of one institution. */
export function addInstitution(app: FastifyInstance, institution: Institution, clock: Clock): void {
  const route = (method: "GET" | "POST", path: string, answer: (call: RoutedCall) => Answer) =>
    app.route({
      method,
      url: `/${institution.id}${path}`,
      handler(request, reply) {
        // From here on the answer, or that there is none, is up to us.
        reply.hijack();
        try {
          serveCall({
            institution,
            clock,
            transactionId: headerOf(request, "x-api-tran-id"),
            response: reply.raw,
            answer: (plan, nowMs) => answer({ request, plan, nowMs }),
          });
        } catch (error) {
          // Fastify keeps errors of a reply that is no longer its own to itself. This one is a defect of the institutions.
          reply.raw.destroy();
          queueMicrotask(() => {
            throw error;
          });
        }
      },
    });
  route("POST", "/oauth/2.0/token", ({ request, nowMs }) => answerToken(institution, parametersOf(request), nowMs));
  route("POST", "/oauth/2.0/revoke", ({ request, nowMs }) => answerRevoke(institution, parametersOf(request), nowMs));
  for (const resource of institution.data.resources) {
    route(resource.method, `/v1/${institution.industry}${resource.path}`, ({ request, plan, nowMs }) =>
      answerResource(institution, {
        resource,
        parameters: parametersOf(request),
        authorization: headerOf(request, "authorization"),
        apiType: headerOf(request, "x-api-type"),
        idempotencyKey: (headerOf(request, "x-mulgil-idempotency-key") ?? "").slice(0, KEY_CHARACTERS_MAX),
        nowMs,
        revokesToken: plan.revokesToken,
      }),
    );
  }
}

function headerOf({ headers }: FastifyRequest, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** The body comes as text: what is wrong with it is told by the institution, when it is its turn. */
const parametersOf = (request: FastifyRequest): Parameters => ({
  ...(request.query as Parameters),
  ...bodyOf(request.body as string | undefined, headerOf(request, "content-type")),
  ...(request.params as Parameters),
});

/** What begins like JSON is JSON, whatever its type says: curl calls everything a form. */
function bodyOf(text: string | undefined, contentType: string | undefined): Parameters {
  if (text === undefined || text === "") return {};
  const isForm = contentType?.startsWith("application/x-www-form-urlencoded") && !text.trimStart().startsWith("{");
  if (isForm) return Object.fromEntries(new URLSearchParams(text));
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Parameters;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new RefusedRequest(responseCode.badParameter, "the body must be a JSON object or a form");
}
