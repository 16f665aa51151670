import { MulgilError } from "../../../schemas/mulgil-error.ts";
import { timestampRefused } from "../embedded/refusals.ts";
import type { ProduceBatch } from "../port.ts";
import { BrokerError, code, kindOfCode } from "./broker-errors.ts";
import type { Connections } from "./connections.ts";
import type { Directory } from "./directory.ts";
import { keyOf } from "./grouping.ts";
import { type Chunk, checkRecords, planChunks } from "./produce-plan.ts";
import type { Compression } from "./protocol/compression.ts";
import { type EncodedBatch, type ProduceAnswer, produceRequest } from "./protocol/produce.ts";
import { encodeRecordBatch, type ProducerIdentity } from "./protocol/record-batch-encoder.ts";
import { type Patience, retrying } from "./retry.ts";
import type { Sequences } from "./sequences.ts";
import type { TopicConfigs } from "./topic-configs.ts";

export interface SenderServices {
  readonly connections: Connections;
  readonly directory: Directory;
  readonly configs: TopicConfigs;
  readonly patience: Patience;
  readonly compression: Compression;
}

/** Who sends: the numbers that let the broker tell a repetition from a new record, and an old owner from the present one. */
export interface Sender {
  readonly identity: ProducerIdentity;
  readonly sequences: Sequences;
  readonly transactionalId: string | null;
}

const REQUEST_TIMEOUT_MS = 30_000;

/** @throws {MulgilError} LOG_UNKNOWN_TOPIC, LOG_UNKNOWN_PARTITION, LOG_TIMESTAMP_REFUSED, LOG_KEY_REQUIRED; nothing has been sent then */
export async function checkBatches(
  { directory, configs, patience }: SenderServices,
  batches: readonly ProduceBatch[],
): Promise<void> {
  const topics = await directory.require(batches);
  checkRecords(batches, await configs.of([...topics.values()]), patience.clock.now());
}

/**
 * Sends batches with acks=all, and returns the first offset of each. One chunk of a partition is under way at a time, and a chunk that was
 * not answered is sent again under the same numbers: so the order is kept and nothing is written twice. The sender must not be used by two
 * calls at once for the same partition.
 */
export async function sendBatches(
  services: SenderServices,
  sender: Sender,
  batches: readonly ProduceBatch[],
): Promise<readonly number[]> {
  const firstOffsets: number[] = batches.map(() => 0);
  let waiting = planChunks(batches);
  while (waiting.length > 0) {
    const heads = await encodeHeads(services, sender, waiting);
    await retrying(services.patience, "write to the log", () => sendHeads(services, sender, heads));
    for (const { chunk, baseOffset } of heads.values()) {
      for (const { batch, index } of chunk.starts) firstOffsets[batch] = baseOffset! + index;
    }
    waiting = waiting.map((chunks) => chunks.slice(1)).filter((chunks) => chunks.length > 0);
  }
  return firstOffsets;
}

/** The next chunk of a partition; it has an offset when it is written. */
interface Head {
  readonly chunk: Chunk;
  readonly encoded: EncodedBatch;
  baseOffset: number | undefined;
}

async function encodeHeads(
  { compression }: SenderServices,
  sender: Sender,
  waiting: readonly (readonly Chunk[])[],
): Promise<ReadonlyMap<string, Head>> {
  const heads = new Map<string, Head>();
  for (const [chunk] of waiting) {
    const { topic, partition, records } = chunk!;
    const bytes = await encodeRecordBatch(records, {
      identity: sender.identity,
      baseSequence: sender.sequences.next(chunk!),
      isTransactional: sender.transactionalId !== null,
      compression,
    });
    heads.set(keyOf(chunk!), { chunk: chunk!, encoded: { topic, partition, bytes }, baseOffset: undefined });
  }
  return heads;
}

/** One attempt for what is not written yet. @throws the first error; what others have written stays marked */
async function sendHeads(
  { connections, directory }: SenderServices,
  sender: Sender,
  heads: ReadonlyMap<string, Head>,
): Promise<void> {
  const left = [...heads.values()].filter(({ baseOffset }) => baseOffset === undefined).map(({ encoded }) => encoded);
  const { transactionalId } = sender;
  const outcomes = await Promise.allSettled(
    [...(await directory.byLeader(left))].map(async ([leader, own]) => {
      const request = produceRequest(own, { transactionalId, timeoutMs: REQUEST_TIMEOUT_MS });
      const answers = await connections.to(leader, (_, link) => link.send(request));
      return answers.map((answer) => settle(answer, sender, heads.get(keyOf(answer))!));
    }),
  );
  const errors = outcomes.flatMap((outcome) =>
    outcome.status === "rejected" ? [outcome.reason] : outcome.value.flatMap((error) => error ?? []),
  );
  if (errors.length === 0) return;
  directory.forget(left.map(({ topic }) => topic));
  // What cannot pass must not hide behind what can.
  throw errors.find((error) => error instanceof MulgilError) ?? errors[0];
}

function settle(answer: ProduceAnswer, sender: Sender, head: Head): Error | undefined {
  const { errorCode, baseOffset, topic, partition, refused } = answer;
  if (errorCode === 0) {
    head.baseOffset = baseOffset;
    sender.sequences.advance(head.chunk, head.chunk.records.length);
    return undefined;
  }
  const context = { topic, partition };
  switch (errorCode) {
    case code.invalidTimestamp:
      return timestampRefused(
        answer,
        refused.index ?? 0,
        head.chunk.records[refused.index ?? 0]!.timestampMs,
        "is not accepted by the broker",
      );
    case code.messageTooLarge:
      return new MulgilError(
        `topic "${topic}" partition ${partition}: the broker refuses a record batch of ${head.encoded.bytes.length} bytes as too large; raise the topic's max.message.bytes, or write smaller records`,
        { code: "LOG_RECORD_TOO_LARGE", context },
      );
    case code.invalidRecord:
      return new MulgilError(
        `topic "${topic}" partition ${partition}: the broker refuses a record (${refused.why || "no reason given"}); correct it`,
        {
          code: "LOG_RECORD_REFUSED",
          context,
        },
      );
    default:
      return new BrokerError(errorCode, `topic "${topic}" partition ${partition} (${kindOfCode(errorCode)})`);
  }
}
