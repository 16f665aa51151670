import { kindOf } from "./broker-errors.ts";
import type { Addresses, Connections } from "./connections.ts";
import type { BrokerRequests } from "./kafkajs.ts";
import { type Patience, retrying } from "./retry.ts";

/** Kafka's numbers of coordinator types. */
const COORDINATES = { group: 0, transaction: 1 } as const;

export type Coordinated = keyof typeof COORDINATES;

/** Which broker looks after a group or a transactional id; remembered until it says that it does not. */
export class Coordinators {
  readonly #addresses: Addresses;
  readonly #patience: Patience;
  readonly #nodes = new Map<string, number>();

  constructor(addresses: Addresses, patience: Patience) {
    this.#addresses = addresses;
    this.#patience = patience;
  }

  /** Asks the coordinator until it answers. @throws what `retrying` throws */
  ask<T>(
    connections: Connections,
    kind: Coordinated,
    id: string,
    what: string,
    request: (requests: BrokerRequests) => Promise<T>,
  ): Promise<T> {
    return retrying(this.#patience, what, () => this.askOnce(connections, kind, id, request));
  }

  /** One attempt. @throws an error of the client or the broker, see broker-errors.ts */
  async askOnce<T>(
    connections: Connections,
    kind: Coordinated,
    id: string,
    request: (requests: BrokerRequests) => Promise<T>,
  ): Promise<T> {
    const key = `${kind} ${id}`;
    const nodeId = this.#nodes.get(key) ?? (await this.#find(connections, kind, id, key));
    try {
      return await connections.to(nodeId, request);
    } catch (error) {
      const failure = kindOf(error);
      if (failure === "connection" || failure === "coordinator") this.#nodes.delete(key);
      throw error;
    }
  }

  async #find(connections: Connections, kind: Coordinated, id: string, key: string): Promise<number> {
    const coordinatorType = COORDINATES[kind];
    const { coordinator } = await connections.any((requests) =>
      requests.findGroupCoordinator({ groupId: id, coordinatorType }),
    );
    this.#addresses.add(coordinator);
    this.#nodes.set(key, coordinator.nodeId);
    return coordinator.nodeId;
  }
}
