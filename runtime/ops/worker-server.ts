import type { AddressInfo } from "node:net";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { systemClock } from "../time/system-clock.ts";
import type { MemberStatus, ProcessIdentity } from "../worker/member-status.ts";
import type { HttpOptions } from "./http/access/http-options.ts";
import type { RunFunctions, WorkerContext } from "./http/worker-routes.ts";

/** Where a process answers for itself. */
export interface ListenAddress {
  /** A name or an address of this machine; 0.0.0.0 and :: are all of them. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/** The answer to GET /status. */
export interface ProcessReport {
  readonly process: ProcessIdentity;
  readonly members: readonly MemberStatus[];
}

export interface WorkerServer {
  readonly identity: ProcessIdentity;
  /** From now on it tells of these, and has these functions of the run. */
  show(members: RunFunctions["members"], functions?: Omit<RunFunctions, "members">): void;
  close(): Promise<void>;
}

const WILDCARDS: ReadonlySet<string> = new Set(["0.0.0.0", "::", "[::]"]);

/**
 * The HTTP interface of a process that runs jobs; what it tells is in its memory, so it answers also while brokers are away. GET /openapi.json
 * describes it. The server is loaded by those who listen.
 * @throws {ConfigError} LISTEN_UNPROTECTED, HTTP_TOKENS, HTTP_OIDC, HTTP_TLS
 * @throws {MulgilError} LISTEN_FAILED
 */
export async function serveWorker(
  listen: ListenAddress,
  process: Omit<ProcessIdentity, "address">,
  http: HttpOptions = {},
  ownerToken?: string,
): Promise<WorkerServer> {
  const [{ createWorkerApp }, { Access }, { readTlsIdentity }, { workerRoutes }, { WorkerMetrics }] = await Promise.all(
    [
      import("./http/worker-app.ts"),
      import("./http/access/access.ts"),
      import("./http/access/tls-identity.ts"),
      import("./http/routes.ts"),
      import("./metrics/worker-metrics.ts"),
    ],
  );
  let run: RunFunctions | undefined;
  const clock = systemClock;
  const metrics = new WorkerMetrics(clock);
  const access = await Access.open({
    listen,
    http,
    ownerToken,
    clock,
    onRefused: (reason) => metrics.loginRefused(reason),
  });
  const tls = http.tls && (await readTlsIdentity(http.tls));
  const context: WorkerContext = {
    identity: () => identity,
    clock,
    metrics,
    areMetricsGuarded: http.areMetricsGuarded ?? false,
    run: () => run,
  };
  const app = await createWorkerApp(workerRoutes, context, { access, tls });
  try {
    await app.listen({ port: listen.port, host: listen.host.replace(/^\[|\]$/g, "") });
  } catch (error) {
    await app.close();
    throw cannotListen(listen, error as Error);
  }
  // What runs keeps the process, not whoever may ask about it.
  app.server.unref();
  const { port } = app.server.address() as AddressInfo;
  const identity: ProcessIdentity = {
    ...process,
    address: advertised({ ...listen, port }, process.host, tls && "https"),
  };
  return {
    identity,
    show(members, functions) {
      run = { ...functions, members };
    },
    close: () => app.close(),
  };
}

/** Where others find it: all addresses of a machine are no address. */
export const advertised = ({ host, port }: ListenAddress, machine: string, scheme = "http"): string =>
  `${scheme}://${WILDCARDS.has(host) ? machine : host}:${port}`;

const cannotListen = ({ host, port }: ListenAddress, cause: Error): MulgilError =>
  new MulgilError(
    `cannot listen on ${host}:${port} (${cause.message}): give a free port and an address of this machine, or port 0`,
    { code: "LISTEN_FAILED", cause },
  );
