import { MulgilError } from "../../../schemas/mulgil-error.ts";
import type { OpenTransaction, TopicPartition } from "../port.ts";
import { BrokerError, brokerCodeOf, kindOf } from "./broker-errors.ts";
import { type Addresses, type Connections, requireVersion } from "./connections.ts";
import type { Directory } from "./directory.ts";
import { byTopic } from "./grouping.ts";
import type { BrokerLink } from "./kafkajs.ts";
import {
  DESCRIBE_PRODUCERS,
  describeProducersRequest,
  type PartitionProducers,
} from "./protocol/describe-producers.ts";
import { DESCRIBE_TRANSACTIONS, describeTransactionsRequest } from "./protocol/describe-transactions.ts";
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
  const owners = open.length === 0 ? new Map<number, Owner>() : await ownersOf(services, open);
  return open.map((each) => ({ ...each, ...(owners.get(each.producerId) ?? NOBODY_KNOWN) }));
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

type Owner = Pick<OpenTransaction, "transactionalId" | "startedAtMs">;

const NOBODY_KNOWN: Owner = { transactionalId: undefined, startedAtMs: undefined };

/** By producer. Who may not see a transactional id does not get it; the number is known all the same. */
async function ownersOf(
  { connections, addresses }: TransactionServices,
  open: readonly { readonly producerId: number }[],
): Promise<ReadonlyMap<number, Owner>> {
  const producerIds = [...new Set(open.map(({ producerId }) => producerId))];
  const owners = new Map<number, Owner>();
  for (const nodeId of addresses.nodes) {
    try {
      const own = await connections.to(nodeId, (_, link) => ownersAt(link, producerIds));
      for (const [producerId, owner] of own) owners.set(producerId, owner);
    } catch (error) {
      // A name is worth no failure: a broker may be away, or too old to tell.
      const isKnown = error instanceof MulgilError || brokerCodeOf(error) !== undefined || kindOf(error) !== "final";
      if (!isKnown) throw error;
    }
  }
  return owners;
}

/** Of those that this broker coordinates. */
async function ownersAt(link: BrokerLink, producerIds: readonly number[]): Promise<ReadonlyMap<number, Owner>> {
  await requireVersion(link, LIST_TRANSACTIONS);
  const listed = await link.send(listTransactionsRequest(producerIds));
  if (listed.length === 0) return new Map();
  await requireVersion(link, DESCRIBE_TRANSACTIONS);
  const described = await link.send(describeTransactionsRequest(listed.map(({ transactionalId }) => transactionalId)));
  const startOf = new Map(
    described
      .filter(({ errorCode, startedAtMs }) => errorCode === 0 && startedAtMs >= 0)
      .map(({ transactionalId, startedAtMs }) => [transactionalId, startedAtMs]),
  );
  return new Map(
    listed.map(({ producerId, transactionalId }) => [
      producerId,
      { transactionalId, startedAtMs: startOf.get(transactionalId) },
    ]),
  );
}
