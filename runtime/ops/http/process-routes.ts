import type { FastifyReply } from "fastify";
import type { ProcessReport } from "../worker-server.ts";
import { unreadyReason } from "./readiness.ts";
import { plainText, processReport } from "./schemas.ts";
import type { WorkerRoutes } from "./worker-routes.ts";

/** What the process says of itself. */
export const processRoutes: WorkerRoutes = (app, { identity, run }) => {
  app.get(
    "/status",
    {
      config: { role: "viewer" },
      schema: {
        summary: "The members of groups in this process, and what their tasks do",
        tags: ["process"],
        response: { 200: processReport },
      },
    },
    (): ProcessReport => ({ process: identity(), members: run()?.members() ?? [] }),
  );
  app.get(
    "/healthz",
    {
      config: { role: "public" },
      schema: {
        summary: "200 as long as the process turns",
        tags: ["process"],
        response: { 200: plainText("ok") },
      },
    },
    (_request, reply) => text(reply, 200, "ok"),
  );
  app.get(
    "/readyz",
    {
      config: { role: "public" },
      schema: {
        summary:
          "200 when all members of groups in this process have their tasks, and all of these are restored and run",
        tags: ["process"],
        response: { 200: plainText("ready"), 503: plainText("not ready: why") },
      },
    },
    (_request, reply) => {
      const reason = unreadyReason(run()?.members());
      return reason === undefined ? text(reply, 200, "ready") : text(reply, 503, `not ready: ${reason}`);
    },
  );
};

const text = (reply: FastifyReply, status: number, line: string): FastifyReply =>
  reply.code(status).type("text/plain; charset=utf-8").send(`${line}\n`);
