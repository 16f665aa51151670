import { plainText } from "./schemas.ts";
import type { WorkerRoutes } from "./worker-routes.ts";

/** What Prometheus scrapes: names and counts, nothing of a record. */
export const metricsRoute: WorkerRoutes = (app, { metrics, areMetricsGuarded, run }) => {
  app.get(
    "/metrics",
    {
      config: { role: areMetricsGuarded ? "viewer" : "public" },
      schema: {
        summary: "Metrics in Prometheus' text format; docs/METRICS.md describes them",
        tags: ["process"],
        response: { 200: plainText("the metrics") },
      },
    },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text(run())),
  );
};
