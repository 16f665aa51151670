import { Addresses, Connections } from "../../../runtime/log/kafka/connections.ts";
import { Directory } from "../../../runtime/log/kafka/directory.ts";
import { linkFactory } from "../../../runtime/log/kafka/kafka-connection.ts";
import { type Patience, retrying } from "../../../runtime/log/kafka/retry.ts";
import type { TopicPartition } from "../../../runtime/log/port.ts";
import { systemClock } from "../../../runtime/time/system-clock.ts";

const PATIENCE_MS = 60_000;
const TRANSACTION_COORDINATOR = 1;
const GROUP_COORDINATOR = 0;

/** What a broker can be to a job. */
export type ClusterRole =
  | { readonly kind: "leader"; readonly of: TopicPartition }
  | { readonly kind: "group coordinator"; readonly groupId: string }
  | { readonly kind: "transaction coordinator"; readonly transactionalId: string };

/** The node that has the role now, by a client that remembers nothing. */
export async function nodeWith(role: ClusterRole, bootstrap: string): Promise<number> {
  const addresses = new Addresses();
  const connections = new Connections(linkFactory({ brokers: bootstrap.split(",") }), addresses);
  const over = new AbortController();
  const patience: Patience = { clock: systemClock, signal: over.signal, patienceMs: PATIENCE_MS };
  const coordinator = (groupId: string, coordinatorType: number) =>
    connections.any((requests) => requests.findGroupCoordinator({ groupId, coordinatorType }));
  try {
    return await retrying(patience, `find the ${role.kind}`, async () => {
      if (role.kind === "leader") return await new Directory(connections, addresses, patience).leaderOf(role.of);
      const found =
        role.kind === "group coordinator"
          ? await coordinator(role.groupId, GROUP_COORDINATOR)
          : await coordinator(role.transactionalId, TRANSACTION_COORDINATOR);
      return found.coordinator.nodeId;
    });
  } finally {
    over.abort();
    await connections.close();
  }
}
