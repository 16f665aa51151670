import { metricsRoute } from "./metrics-route.ts";
import { processRoutes } from "./process-routes.ts";
import { stateRoutes } from "./state-routes.ts";
import type { WorkerRoutes } from "./worker-routes.ts";

/** Everything that a worker answers; one file each. */
export const workerRoutes: readonly WorkerRoutes[] = [processRoutes, metricsRoute, stateRoutes];
