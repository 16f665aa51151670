import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { CALL_HEADERS } from "./calls-job.ts";

/** A call of a bank, by which process it was made and when. */
export interface BankCall {
  readonly bank: string;
  readonly request: number;
  readonly idempotencyKey: string;
  readonly pid: number;
  readonly begunMs: number;
}

const LATENCY_MS = 5;
const LATENCY_SPREAD_MS = 30;
/** Up for so long, down for so long. */
const FLAPPING_MS = 1_000;

/** Banks that answer each request with success, as long as they are up. They remember all that they were asked. */
export class Banks {
  readonly address: string;
  /** Every call, also those without an answer. */
  readonly calls: BankCall[] = [];
  /** Calls that were answered with success, to the end. */
  readonly deliveries: BankCall[] = [];
  readonly #server: Server;
  readonly #down = new Set<string>();
  readonly #flapping = new Set<string>();

  private constructor(server: Server) {
    this.#server = server;
    this.address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async open(): Promise<Banks> {
    const server = createServer();
    await once(server.listen(0, "127.0.0.1"), "listening");
    const banks = new Banks(server);
    server.on("request", (request, response) => void banks.#answer(request, response));
    return banks;
  }

  /** Its connections are reset from now on. */
  takeDown(bank: string): void {
    this.#down.add(bank);
  }

  bringUp(bank: string): void {
    this.#down.delete(bank);
    this.#flapping.delete(bank);
  }

  /** It refuses calls every other second. */
  letFlap(bank: string): void {
    this.#flapping.add(bank);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = callOf(incoming);
    this.calls.push(call);
    if (this.#down.has(call.bank)) {
      incoming.socket.resetAndDestroy();
      return;
    }
    await sleep(LATENCY_MS + (call.request % LATENCY_SPREAD_MS));
    if (this.#flapping.has(call.bank) && Math.floor(Date.now() / FLAPPING_MS) % 2 === 0) {
      response.writeHead(503).end();
      return;
    }
    response.once("finish", () => this.deliveries.push(call)).end("{}");
  }
}

function callOf({ url, headers }: IncomingMessage): BankCall {
  const [, bank, request] = url!.split("/");
  return {
    bank: bank!,
    request: Number(request),
    idempotencyKey: headers[CALL_HEADERS.idempotencyKey] as string,
    pid: Number(headers[CALL_HEADERS.pid]),
    begunMs: Number(headers[CALL_HEADERS.begunMs]),
  };
}
