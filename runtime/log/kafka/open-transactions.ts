import { MulgilError } from "../../../schemas/mulgil-error.ts";
import type { OpenTransaction, TopicPartition } from "../port.ts";
import { BrokerError, brokerCodeOf, kindOf } from "./broker-errors.ts";
import { type Addresses, type Connections, requireVersion } from "./connections.ts";
import type { Directory } from "./directory.ts";
import { byTopic } from "./grouping.ts";
import {
  DESCRIBE_PRODUCERS,
  describeProducersRequest,
  type PartitionProducers,
} from "./protocol/describe-producers.ts";
import { LIST_TRANSACTIONS, listTransactionsRequest } from "./protocol/list-transactions.ts";
import { type Patience, retrying } from "./retry.ts";

interface TransactionServices {
  readonly connections: Connections;
  readonly directory: Directory;
  readonly addresses: Addresses;
  readonly patience: Patience;
}

/** The leaders know producers by their number; whose number it is, a coordinator knows, which may be any broker. */
export async function openTransactions(
  services: TransactionServices,
  partitions: readonly TopicPartition[],
): Promise<readonly OpenTransaction[]> {
  await services.directory.require(partitions);
  const found = await retrying(services.patience, "look for open transactions", () =>
    producersOf(services, partitions),
  );
  const open = found.flatMap(({ topic, partition, producers }) =>
    producers
      .filter(({ firstOffset }) => firstOffset >= 0)
      .map(({ producerId, firstOffset }) => ({ topic, partition, producerId, firstOffset })),
  );
  const ids = open.length === 0 ? new Map<number, string>() : await transactionalIds(services, open);
  return open.map(({ producerId, ...rest }) => ({ ...rest, producerId, transactionalId: ids.get(producerId) }));
}

async function producersOf(
  { connections, directory }: TransactionServices,
  partitions: readonly TopicPartition[],
): Promise<readonly PartitionProducers[]> {
  const found: PartitionProducers[] = [];
  try {
    for (const [leader, own] of await directory.byLeader(partitions)) {
      const request = describeProducersRequest(byTopic(own, ({ partition }) => partition));
      found.push(
        ...(await connections.to(leader, async (_, link) => {
          await requireVersion(link, DESCRIBE_PRODUCERS);
          return await link.send(request);
        })),
      );
    }
    const failed = found.find(({ errorCode }) => errorCode !== 0);
    if (failed !== undefined)
      throw new BrokerError(failed.errorCode, `topic "${failed.topic}" partition ${failed.partition}`);
  } catch (error) {
    if (kindOf(error) !== "final") directory.forget(partitions.map(({ topic }) => topic));
    throw error;
  }
  return found;
}

/** By producer. Who may not see a transactional id does not get it; the number is known all the same. */
async function transactionalIds(
  { connections, addresses }: TransactionServices,
  open: readonly { readonly producerId: number }[],
): Promise<ReadonlyMap<number, string>> {
  const request = listTransactionsRequest([...new Set(open.map(({ producerId }) => producerId))]);
  const ids = new Map<number, string>();
  for (const nodeId of addresses.nodes) {
    try {
      const listed = await connections.to(nodeId, async (_, link) => {
        await requireVersion(link, LIST_TRANSACTIONS);
        return await link.send(request);
      });
      for (const { producerId, transactionalId } of listed) ids.set(producerId, transactionalId);
    } catch (error) {
      // A name is worth no failure: a broker may be away, or too old to tell.
      const isKnown = error instanceof MulgilError || brokerCodeOf(error) !== undefined || kindOf(error) !== "final";
      if (!isKnown) throw error;
    }
  }
  return ids;
}
