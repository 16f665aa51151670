import type { BenchRow } from "./bench-row.ts";
import { loadFor, onConnection, type RawResponse } from "./institutions/keep-alive-client.ts";
import type { ServerMessage, ServerSettings } from "./institutions/server-process.ts";
import { BenchProcess, withProcess } from "./kafka/bench-process.ts";
import { describeRuns } from "./state-measure.ts";

const SEED = 7;
const CUSTOMERS = 200;
const CONNECTIONS = 32;
const ROUNDS = 5;
const SECONDS = 2;
const WARM_UP_SECONDS = 1;
const BASE = "/bank-01/v1/bank/accounts";

/** Somebody whose accounts are asked for. */
interface Customer {
  readonly token: string;
  readonly account: string;
}

interface Case {
  readonly name: string;
  readonly path: string;
  readonly body: (customer: Customer) => string | undefined;
}

const CASES: readonly Case[] = [
  { name: "accounts", path: BASE, body: () => undefined },
  {
    name: "transactions",
    path: `${BASE}/deposit/transactions`,
    body: ({ account }) => JSON.stringify({ account_num: account, from_date: "20260101", to_date: "20260131" }),
  },
];

type Server = BenchProcess<ServerMessage>;

/**
 * [institutions.requests] Requests a second that the process of scripts/institutions answers, on one core and without latency: the list of accounts (GET), and a
 * page of the transactions of 31 days (POST), for 200 customers in turn over 32 kept connections. Its client is the process of this benchmark, written on
 * sockets; it checks each answer. Beside it, in turn: a server of node:http in a process of its own that has one such answer ready for each path.
 */
export async function run(): Promise<BenchRow[]> {
  return await withServer({ kind: "institutions", seed: SEED }, async (institutions, port) => {
    const customers = await consentAll(port);
    const bodies: Record<string, string> = {};
    for (const each of CASES)
      bodies[each.path] = (await onConnection(port, (ask) => ask(requestOf(each, customers[0]!, 0)))).body;
    return await withServer({ kind: "bare", bodies }, async (_bare, barePort) => {
      const rows: BenchRow[] = [];
      for (const each of CASES) rows.push(await measure(each, customers, { institutions, port, barePort }));
      return rows;
    });
  });
}

interface Servers {
  readonly institutions: Server;
  readonly port: number;
  readonly barePort: number;
}

async function measure(each: Case, customers: readonly Customer[], servers: Servers): Promise<BenchRow> {
  const load = (port: number, seconds: number) =>
    loadFor({
      ...{ port, seconds, check, connections: CONNECTIONS },
      request: (number) => requestOf(each, customers[number % customers.length]!, number),
    });
  const [answered, bound, cpuMicros]: [number[], number[], number[]] = [[], [], []];
  await load(servers.port, WARM_UP_SECONDS);
  await load(servers.barePort, WARM_UP_SECONDS);
  for (let round = 0; round < ROUNDS; round++) {
    const before = await cpuMsOf(servers.institutions);
    const rate = await load(servers.port, SECONDS);
    cpuMicros.push((((await cpuMsOf(servers.institutions)) - before) * 1_000) / (rate * SECONDS));
    answered.push(rate);
    bound.push(await load(servers.barePort, SECONDS));
  }
  const [own, bare, cpu] = [describeRuns(answered), describeRuns(bound), describeRuns(cpuMicros)];
  process.stderr.write(`${each.name}: ${cpu.median.toFixed(0)} µs of the processor a request (${cpu.spread})\n`);
  return {
    name: `institutions.requests.${each.name}`,
    value: Math.round(own.median),
    unit: "requests/s",
    spread: own.spread,
    bound: `node:http with the answer ready: ${Math.round(bare.median).toLocaleString("en")} requests/s (${bare.spread}); goal: at least 3,000`,
    ratio: own.median / bare.median,
  };
}

function check({ status, body }: RawResponse): void {
  if (status !== 200 || !body.startsWith('{"rsp_code":"00000"')) throw new Error(`answered ${status}: ${body}`);
}

function withServer<T>(settings: ServerSettings, use: (server: Server, port: number) => Promise<T>): Promise<T> {
  return withProcess(new BenchProcess<ServerMessage>("../institutions/server-process.ts", settings), async (server) =>
    use(server, (await server.first("listening")).port),
  );
}

/** All that the process has used since it started. */
async function cpuMsOf(server: Server): Promise<number> {
  const known = server.messages.length;
  server.ask();
  return (await server.first("used", (message) => server.messages.indexOf(message) >= known)).cpuMs;
}

const consentAll = (port: number): Promise<readonly Customer[]> =>
  onConnection(port, async (ask) => {
    const customers: Customer[] = [];
    for (let number = 0; number < CUSTOMERS; number++) {
      const grant = JSON.stringify({ grant_type: "authorization_code", code: `customer-${number}` });
      const granted = await ask(httpRequest("/bank-01/oauth/2.0/token", number, grant));
      const token: string = JSON.parse(granted.body).access_token;
      const listed = await ask(httpRequest(BASE, number, undefined, token));
      customers.push({ token, account: JSON.parse(listed.body).account_list[0].account_num });
    }
    return customers;
  });

const requestOf = ({ path, body }: Case, customer: Customer, number: number): string =>
  httpRequest(path, number, body(customer), customer.token);

function httpRequest(path: string, number: number, body: string | undefined, token?: string): string {
  const head = [
    `${body === undefined ? "GET" : "POST"} ${path} HTTP/1.1`,
    "host: 127.0.0.1",
    `x-api-tran-id: ${String(number).padStart(25, "0")}`,
    "x-api-type: user-refresh",
  ];
  if (token !== undefined) head.push(`authorization: Bearer ${token}`);
  if (body !== undefined) head.push("content-type: application/json", `content-length: ${body.length}`);
  return `${head.join("\r\n")}\r\n\r\n${body ?? ""}`;
}
