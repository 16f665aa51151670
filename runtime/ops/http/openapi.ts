import swagger from "@fastify/swagger";
import type { FastifyInstance, RouteOptions } from "fastify";
import { errorAnswer } from "./schemas.ts";

const TOKEN = "token";

/** Describes the routes that are added from now on, under GET /openapi.json. */
export async function describeRoutes(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Mulgil worker",
        description: "What a process that runs jobs tells and does. Roles: viewer, operator, admin.",
        version: "1",
      },
      components: { securitySchemes: { [TOKEN]: { type: "http", scheme: "bearer" } } },
    },
  });
  app.addHook("onRoute", completeSchema);
}

/** The document itself. */
export function addOpenApi(app: FastifyInstance): void {
  const schema = {
    summary: "This description",
    tags: ["process"],
    response: { 200: { description: "OpenAPI 3.1", type: "object" } },
  };
  app.get("/openapi.json", { config: { role: "viewer" }, schema }, () => app.swagger());
}

/** What holds for every route is said once: who may call it, and how it refuses. */
function completeSchema(route: RouteOptions): void {
  const { schema, config } = route;
  if (schema === undefined || config?.role === undefined) return;
  const isPublic = config.role === "public";
  const refusals = isPublic ? {} : { 401: errorAnswer, 403: errorAnswer };
  route.schema = {
    ...schema,
    ...(!isPublic && { description: `For ${config.role}s.`, security: [{ [TOKEN]: [] }] }),
    response: { ...(schema.response as object), ...refusals, default: errorAnswer },
  };
}
