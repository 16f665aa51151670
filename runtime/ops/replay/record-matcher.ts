import { toJson } from "../../../schemas/json.ts";
import { keySerde } from "../../../schemas/key-serde.ts";
import { MulgilError } from "../../../schemas/mulgil-error.ts";
import { isRegistryAway, type SchemaRegistry } from "../../../schemas/registry.ts";
import { createGenericDecoder, type GenericDecoder } from "../../../schemas/value-serde.ts";
import { replayedFrom } from "../../resilience/replay-headers.ts";
import type { Selection, TransferRecord } from "../transfer/transfer.ts";
import type { ReplayDefinition, ReplayFilter } from "./replay-definition.ts";
import { parseWhere, type Where } from "./where.ts";

/** Says which records a filter means. */
export class RecordMatcher {
  readonly #filter: ReplayFilter;
  readonly #keyType: ReplayDefinition["keyType"];
  readonly #keys: ReadonlySet<string>;
  readonly #where: Where | undefined;
  readonly #origins: ReadonlySet<string>;
  readonly #decoder: GenericDecoder;

  /** @throws {MulgilError} WHERE_INVALID */
  constructor(options: {
    readonly filter: ReplayFilter;
    readonly keyType: ReplayDefinition["keyType"];
    readonly registry: SchemaRegistry;
    /** Records that were replayed from one of these are copies of what is there. */
    readonly origins: ReadonlySet<string>;
  }) {
    const { filter, keyType, registry, origins } = options;
    this.#origins = origins;
    this.#filter = filter;
    this.#keyType = keyType;
    this.#keys = new Set(filter.keys);
    this.#where = filter.where === undefined ? undefined : parseWhere(filter.where);
    this.#decoder = createGenericDecoder({ registry });
  }

  /** @throws {MulgilError} REGISTRY_… if a schema cannot be had now; REPLAY_WHERE_FAILED at the first record on which the expression fails, unless those are left out */
  async select(records: readonly TransferRecord[]): Promise<Selection> {
    const selected: TransferRecord[] = [];
    let failed = 0;
    let copies = 0;
    for (const record of records) {
      if (!this.#filter.hasCopies && this.#origins.has(replayedFrom(record.headers)?.topic ?? "")) {
        copies++;
        continue;
      }
      try {
        if (await this.#isMeant(record)) selected.push(record);
      } catch (error) {
        // Not the record's fault: it must not be left out for that.
        if (isRegistryAway(error)) throw error;
        if (this.#filter.onError === "stop") throw whereFailed(record, error);
        failed++;
      }
    }
    return { records: selected, failed, copies };
  }

  async #isMeant(record: TransferRecord): Promise<boolean> {
    const { headers } = this.#filter;
    if (!headers.every(({ name, value }) => record.headers?.[name]?.toString() === value)) return false;
    if (this.#keys.size === 0 && this.#where === undefined) return true;
    const key = await this.#keyOf(record.key);
    if (this.#keys.size > 0 && (key === null || !this.#keys.has(keyText(key)))) return false;
    return this.#where === undefined || this.#where(await this.#whereRecord(record, key));
  }

  async #whereRecord(record: TransferRecord, key: unknown): Promise<Parameters<Where>[0]> {
    const { value, headers = {}, timestampMs, offset, partition } = record;
    if (value !== null) await this.#load(value);
    return {
      value: value === null ? null : this.#decoder.decode(value),
      avro: value === null ? undefined : this.#decoder.avroOf(value),
      ...{ key, timestampMs, offset, partition },
      headers: Object.fromEntries(Object.entries(headers).map(([name, bytes]) => [name, bytes.toString()])),
    };
  }

  /** As `mulgil read` shows it. */
  async #keyOf(bytes: Buffer | null): Promise<unknown> {
    if (bytes === null) return null;
    switch (this.#keyType) {
      case undefined:
      case "string":
        return bytes.toString();
      case "bytes":
        return { $bytes: bytes.toString("base64") };
      case "avro":
        await this.#load(bytes);
        return toJson(this.#decoder.avroOf(bytes), this.#decoder.decode(bytes));
      default:
        return keySerde(this.#keyType).decode(bytes);
    }
  }

  async #load(bytes: Buffer): Promise<void> {
    const missing = this.#decoder.missingId(bytes);
    if (missing !== undefined) await this.#decoder.load(missing);
  }
}

const keyText = (key: unknown): string => (typeof key === "string" ? key : JSON.stringify(key));

function whereFailed({ topic, partition, offset }: TransferRecord, error: unknown): MulgilError {
  // The first line says what, the others show the expression.
  const [what] = (error instanceof Error ? error.message : String(error)).split("\n");
  return new MulgilError(
    `the filter cannot be answered for the record at offset ${offset} of topic "${topic}" partition ${partition}: ${what}. Ask first whether a field is there, as in has(value.amount) && value.amount > 100; or leave such records out with --on-error skip`,
    { code: "REPLAY_WHERE_FAILED", cause: error, context: { topic, partition, offset } },
  );
}
