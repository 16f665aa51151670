import { MulgilError } from "../../../schemas/mulgil-error.ts";
import { isAuthentication, kindOf } from "./broker-errors.ts";
import type { BrokerLink, BrokerRequests, LinkFactory } from "./kafkajs.ts";
import type { BrokerAddress } from "./protocol/metadata.ts";

/** Where brokers are, as the last metadata said. Shared by all connections of a log. */
export class Addresses {
  readonly #byNode = new Map<number, BrokerAddress>();

  get nodes(): readonly number[] {
    return [...this.#byNode.keys()];
  }

  find(nodeId: number): BrokerAddress | undefined {
    return this.#byNode.get(nodeId);
  }

  replace(brokers: readonly BrokerAddress[]): void {
    this.#byNode.clear();
    for (const broker of brokers) this.#byNode.set(broker.nodeId, broker);
  }

  add(broker: BrokerAddress): void {
    this.#byNode.set(broker.nodeId, broker);
  }
}

interface Opened {
  readonly link: Promise<BrokerLink>;
  readonly address: BrokerAddress | undefined;
}

const BOOTSTRAP = -1;

/**
 * Connections to the brokers of a cluster, opened when they are first needed. A broker answers the requests of one connection one after
 * the other, so who waits long (a member, a reader) has its own. A link whose connection failed is thrown away, and the next call opens
 * another: no state of the client outlives a failure.
 */
export class Connections {
  readonly #links: LinkFactory;
  readonly #addresses: Addresses;
  readonly #opened = new Map<number, Opened>();
  #turn = 0;
  #isClosed = false;

  constructor(links: LinkFactory, addresses: Addresses) {
    this.#links = links;
    this.#addresses = addresses;
  }

  /** Asks a broker. @throws an error of the client or the broker, see broker-errors.ts */
  to<T>(nodeId: number, ask: (requests: BrokerRequests, link: BrokerLink) => Promise<T>): Promise<T> {
    return this.#ask(nodeId, ask);
  }

  /** Asks brokers in turn; before any is known, the addresses of the configuration. */
  any<T>(ask: (requests: BrokerRequests, link: BrokerLink) => Promise<T>): Promise<T> {
    const candidates = [...this.#addresses.nodes, BOOTSTRAP];
    return this.#ask(candidates[this.#turn++ % candidates.length]!, ask);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#opened.keys()].map((nodeId) => this.#discard(nodeId)));
  }

  async #ask<T>(nodeId: number, ask: (requests: BrokerRequests, link: BrokerLink) => Promise<T>): Promise<T> {
    const opened = this.#open(nodeId);
    try {
      const link = await opened.link;
      return await ask(await link.requests(), link);
    } catch (error) {
      if ((kindOf(error) === "connection" || isAuthentication(error)) && this.#opened.get(nodeId) === opened)
        void this.#discard(nodeId);
      throw error;
    }
  }

  #open(nodeId: number): Opened {
    if (this.#isClosed) throw connectionError("the log is closed");
    const address = this.#addresses.find(nodeId);
    const known = this.#opened.get(nodeId);
    if (known !== undefined && (nodeId === BOOTSTRAP || isSame(known.address, address))) return known;
    if (known !== undefined) void this.#discard(nodeId);
    if (nodeId !== BOOTSTRAP && address === undefined) throw connectionError(`broker ${nodeId} is gone`);
    const opened = { link: this.#links.open(address), address };
    this.#opened.set(nodeId, opened);
    return opened;
  }

  async #discard(nodeId: number): Promise<void> {
    const opened = this.#opened.get(nodeId);
    this.#opened.delete(nodeId);
    const link = await opened?.link.catch(() => undefined);
    await link?.close();
  }
}

const isSame = (left: BrokerAddress | undefined, right: BrokerAddress | undefined): boolean =>
  left?.host === right?.host && left?.port === right?.port;

const connectionError = (message: string): Error =>
  Object.assign(new Error(message), { name: "KafkaJSConnectionError" });

/** @throws {MulgilError} LOG_BROKER_VERSION if the broker is too old for a request */
export async function requireVersion(
  link: BrokerLink,
  request: { readonly apiKey: number; readonly apiName: string; readonly apiVersion: number },
): Promise<void> {
  const known = await link.maxVersion(request.apiKey);
  if (known >= request.apiVersion) return;
  throw new MulgilError(
    `the broker knows ${request.apiName} up to version ${known}, but ${request.apiVersion} is needed: Mulgil runs on Apache Kafka 3.1 and newer`,
    { code: "LOG_BROKER_VERSION" },
  );
}
