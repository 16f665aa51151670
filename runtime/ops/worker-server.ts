import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { MemberStatus, ProcessIdentity } from "../worker/member-status.ts";

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
  /** From now on it tells of these. */
  show(members: () => readonly MemberStatus[]): void;
  close(): Promise<void>;
}

const WILDCARDS: ReadonlySet<string> = new Set(["0.0.0.0", "::", "[::]"]);

/**
 * The HTTP interface of a process that runs jobs; all of it from memory, so it answers also while brokers are away:
 *
 *     GET /status   the members of groups in this process, and what their tasks do (JSON: ProcessReport)
 *     GET /healthz  200 as long as the process turns
 *     GET /readyz   200 when all its members have their tasks and all of these run, or are drained on an order; else 503
 *
 * Names of jobs and tasks, and counts; nothing of a record. Nobody is asked who he is: it belongs on the loopback interface or a closed network.
 * @throws {MulgilError} LISTEN_FAILED
 */
export async function serveWorker(
  listen: ListenAddress,
  process: Omit<ProcessIdentity, "address">,
): Promise<WorkerServer> {
  let members: (() => readonly MemberStatus[]) | undefined;
  const server = createServer((request, response) =>
    send(response, answerTo(request, { process: identity, members: members?.() })),
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => reject(cannotListen(listen, cause)));
    server.listen(listen.port, listen.host.replace(/^\[|\]$/g, ""), resolve);
  });
  // What runs keeps the process, not whoever may ask about it.
  server.unref();
  const { port } = server.address() as AddressInfo;
  const identity: ProcessIdentity = { ...process, address: advertised({ ...listen, port }, process.host) };
  return {
    identity,
    show(source) {
      members = source;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Where others find it: all addresses of a machine are no address. */
export const advertised = ({ host, port }: ListenAddress, machine: string): string =>
  `http://${WILDCARDS.has(host) ? machine : host}:${port}`;

interface Answerable {
  readonly process: ProcessIdentity;
  /** Undefined while it starts. */
  readonly members: readonly MemberStatus[] | undefined;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
}

function answerTo({ method, url }: IncomingMessage, { process, members }: Answerable): Answer {
  if (method !== "GET" && method !== "HEAD") return { status: 405, body: "only GET\n" };
  switch (url) {
    case "/status": {
      const report: ProcessReport = { process, members: members ?? [] };
      return { status: 200, body: `${JSON.stringify(report)}\n`, type: "application/json" };
    }
    case "/healthz":
      return { status: 200, body: "ok\n" };
    case "/readyz":
      return isReady(members) ? { status: 200, body: "ready\n" } : { status: 503, body: "not ready\n" };
    default:
      return { status: 404, body: "there are /status, /healthz and /readyz\n" };
  }
}

const isReady = (members: readonly MemberStatus[] = []): boolean =>
  members.length > 0 &&
  members.every(
    ({ isAssigned, activity, tasks }) =>
      activity === "drained" || (isAssigned && tasks.every(({ status }) => status === "running")),
  );

function send(response: ServerResponse, { status, body, type = "text/plain" }: Answer): void {
  response.writeHead(status, { "content-type": `${type}; charset=utf-8`, "cache-control": "no-store" }).end(body);
}

const cannotListen = ({ host, port }: ListenAddress, cause: Error): MulgilError =>
  new MulgilError(
    `cannot listen on ${host}:${port} (${cause.message}): give a free port and an address of this machine, or port 0`,
    { code: "LISTEN_FAILED", cause },
  );
