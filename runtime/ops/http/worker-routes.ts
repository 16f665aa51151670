import type { FastifyInstance } from "fastify";
import type { LogTrouble } from "../../log/log-troubles.ts";
import type { PartitionOffset, TopicPartition } from "../../log/port.ts";
import type { Clock } from "../../time/clock.ts";
import type { JobMeasures } from "../../worker/measures.ts";
import type { MemberStatus, ProcessIdentity } from "../../worker/member-status.ts";
import type { WorkerMetrics } from "../metrics/worker-metrics.ts";
import type { LocalState } from "../state/local-state.ts";

/** What somebody may do: look, act on what runs, or change who may do what. Each may do what the ones before it may. */
export const ROLES = ["viewer", "operator", "admin"] as const;
export type Role = (typeof ROLES)[number];

/** Who has sent a request. */
export interface Caller {
  /** For the audit trail; never the token. */
  readonly name: string;
  readonly role: Role;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** Who may call the route. "public" needs no token, wherever it is called from. Every route must say it. */
    role?: Role | "public";
  }
  interface FastifyRequest {
    /** Undefined on public routes. */
    caller: Caller | undefined;
  }
}

/**
 * What a run lets its routes see and do. Each function is there only while such a run is; a route whose function is missing
 * answers with `notYet()`.
 */
export interface RunFunctions {
  /** The members of groups in this process, and what their tasks do. From memory. */
  readonly members: () => readonly MemberStatus[];
  /** Its jobs in numbers. From memory. */
  readonly measures?: () => readonly JobMeasures[];
  /** Where partitions end under read_committed. */
  readonly endOffsets?: (partitions: readonly TopicPartition[]) => Promise<readonly PartitionOffset[]>;
  /** The size of a store's directory; 0 if there is none. */
  readonly stateBytes?: (job: string, task: string, store: string) => Promise<number>;
  /** Requests to the log that did not work at once. */
  readonly logTroubles?: () => readonly LogTrouble[];
  /** The stores of the tasks in this process. */
  readonly state?: LocalState;
}

/** What routes are built with. */
export interface WorkerContext {
  /** Known once it listens. */
  readonly identity: () => ProcessIdentity;
  readonly clock: Clock;
  readonly metrics: WorkerMetrics;
  /** Whether only viewers may scrape. */
  readonly areMetricsGuarded: boolean;
  /** Undefined while the run starts. */
  readonly run: () => RunFunctions | undefined;
}

/**
 * Adds some routes to the HTTP interface of a worker, each with `config: { role }`, and a schema with a summary, its parameters and its answers:
 * these are checked, and make up GET /openapi.json. What a handler throws becomes an answer: see http-error.ts. Listed in routes.ts.
 *
 * @example
 * export const stateRoutes: WorkerRoutes = (app, { run }) => {
 *   app.get("/jobs/:job/stores", { config: { role: "viewer" }, schema: { summary: "…", params: …, response: { 200: … } } }, handler);
 * };
 */
export type WorkerRoutes = (app: FastifyInstance, context: WorkerContext) => void;
