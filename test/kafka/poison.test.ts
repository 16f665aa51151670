import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FetchedRecord, ProducerRecord } from "../../runtime/log/port.ts";
import { readPartition } from "../../runtime/log/read-partition.ts";
import { TopicCodec } from "../../runtime/testing/topic-codec.ts";
import type { RunningKafka } from "../../scripts/kafka/start-kafka.ts";
import { canStartKafka, startTestKafka } from "./broker-for-tests.ts";
import { difference, endAll, NO_DIFFERENCE } from "./support/expectations.ts";
import type { Payment } from "./support/payments-job.ts";
import { PARTITIONS } from "./support/payments-topics.ts";
import { Proof } from "./support/proof.ts";

const ROUNDS = 6;
const WORKERS = ["one", "two"];
const MEBIBYTE = 1_048_576;
const OWN_HEADERS = "mulgil.dlq.";

/** What a dead letter must hold, and where it must say that it comes from. */
interface Letter {
  readonly code: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: string | undefined;
  readonly value: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

describe.skipIf(!(await canStartKafka()))("poison among the records of every partition", () => {
  let kafka: RunningKafka;
  beforeAll(async () => {
    kafka = await startTestKafka({ overrides: { "message.max.bytes": String(2 * MEBIBYTE) } });
  }, 180_000);
  afterAll(() => kafka?.stop(), 60_000);

  it("goes to the DLQ byte for byte, each record once though workers are killed, and holds nothing up", {
    timeout: 600_000,
  }, async () => {
    const proof = await Proof.open({
      ...{ bootstrap: kafka.bootstrap, name: "poison", delivery: "exactly-once" },
      variant: "guarded",
    });
    const poison = await Poison.open(proof);
    try {
      await proof.startWorkers(...WORKERS);
      await proof.produceWhile(async () => {
        for (let round = 0; round < ROUNDS; round++) await killOverDeadLetters(proof, poison, round);
      });
      await endAll(proof);
      expect(await lettersOf(proof)).toEqual(poison.letters.toSorted(byPlace));
      await expectOthersUnaffected(proof, poison.keylessIds);
    } finally {
      await proof.close();
    }
  });
});

/** The victim has made dead letters of some of them, and is killed within the time of a commit. */
async function killOverDeadLetters(proof: Proof, poison: Poison, round: number): Promise<void> {
  const name = WORKERS[round % WORKERS.length]!;
  const victim = proof.workers.findLast((worker) => worker.name === name)!;
  await victim.until(({ tasks }) => tasks.size > 0);
  const before = victim.told("deadLetter").length;
  await poison.produce(round);
  await victim.until(() => victim.told("deadLetter").length > before);
  await victim.kill();
  proof.startWorker(name);
}

/** One record of each kind for each partition, in every round; no two are alike. */
class Poison {
  readonly letters: Letter[] = [];
  /** Of payments that have their fault behind the copies. */
  readonly keylessIds: number[] = [];
  readonly #proof: Proof;
  readonly #codec: TopicCodec;

  private constructor(proof: Proof, codec: TopicCodec) {
    this.#proof = proof;
    this.#codec = codec;
  }

  static async open(proof: Proof): Promise<Poison> {
    return new Poison(proof, await TopicCodec.open(proof.job.source, proof.topics.registry));
  }

  async produce(round: number): Promise<void> {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const kinds = this.#kinds(-1 - round * PARTITIONS - partition);
      const batch = { topic: this.#proof.source, partition, records: kinds.map(([, record]) => record) };
      const [first] = await this.#proof.log.produce([batch]);
      for (const [index, [code, record]] of kinds.entries())
        this.letters.push({ ...contentOf(record), code, partition, offset: first! + index });
    }
  }

  #kinds(id: number): readonly (readonly [code: string, record: ProducerRecord])[] {
    const at = Date.UTC(1996, 0, 1);
    const payment: Payment = { id, card: `card${id}`, shop: "shop", amount: 1, at };
    const headers = { trace: randomBytes(16), note: Buffer.from("as sent") };
    const raw = (value: Buffer) => ({ key: Buffer.from(payment.card), value, timestampMs: at, headers });
    const good = (value: Payment) => this.#codec.encode(value, { timestampMs: at, headers });
    const unknownSchema = Buffer.concat([Buffer.from([0, 0x7f, 0xff, 0xff, 0xff]), randomBytes(30)]);
    const large = randomBytes(MEBIBYTE).fill(0xff, 0, 1);
    this.keylessIds.push(id);
    return [
      ["VALUE_NOT_FRAMED", raw(randomBytes(100).fill(0xff, 0, 1))],
      ["VALUE_UNDECODABLE", raw(good(payment).value!.subarray(0, 8))],
      ["SCHEMA_UNKNOWN_ID", raw(unknownSchema)],
      ["KEY_MISSING", { ...good({ ...payment, shop: "" }), key: null }],
      ["VALUE_NOT_FRAMED", raw(large)],
      ["RECORD_FAILED", good({ ...payment, amount: -1 })],
    ];
  }
}

const byPlace = (left: Letter, right: Letter): number => left.partition - right.partition || left.offset - right.offset;

const digest = (bytes: Buffer | null): string | undefined =>
  bytes === null ? undefined : createHash("sha256").update(bytes).digest("hex");

function contentOf({
  key,
  value,
  timestampMs,
  headers,
}: Pick<ProducerRecord, "key" | "value" | "timestampMs" | "headers">) {
  const kept = Object.entries(headers ?? {}).filter(([name]) => !name.startsWith(OWN_HEADERS));
  return {
    ...{ key: digest(key), value: digest(value), timestampMs },
    headers: Object.fromEntries(kept.map(([name, bytes]) => [name, bytes.toString("hex")])),
  };
}

async function lettersOf({ log, source, job }: Proof): Promise<readonly Letter[]> {
  const records = await readPartition(log, { topic: `${job.job.name}.dlq`, partition: 0 });
  return records
    .map((record): Letter => {
      expect(said(record, "topic")).toBe(source);
      return {
        ...contentOf({ ...record, timestampMs: Number(said(record, "timestamp")) }),
        code: said(record, "code")!,
        partition: Number(said(record, "partition")),
        offset: Number(said(record, "offset")),
      };
    })
    .toSorted(byPlace);
}

const said = ({ headers }: FetchedRecord, name: string): string | undefined =>
  headers?.[`${OWN_HEADERS}${name}`]?.toString();

/** All good payments once in the copies and in the sums; of the poison only what failed behind the copies, and there once. */
async function expectOthersUnaffected(proof: Proof, keylessIds: readonly number[]): Promise<void> {
  const ids = [...keylessIds.toReversed(), ...proof.acknowledged.map(({ id }) => id)];
  expect(difference(await proof.topics.idsIn("copies"), ids)).toEqual(NO_DIFFERENCE);
  const hours = await proof.topics.hours();
  const found = new Map([...hours].map(([id, updates]) => [id, updates.at(-1)!]));
  expect(found).toEqual(await proof.plainHours());
}
