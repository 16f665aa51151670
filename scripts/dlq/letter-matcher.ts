import type { DeadLetter } from "../../runtime/ops/dead-letters.ts";
import { toJson } from "../../schemas/json.ts";
import { keySerde } from "../../schemas/key-serde.ts";
import type { SchemaRegistry } from "../../schemas/registry.ts";
import { createGenericDecoder, type GenericDecoder } from "../../schemas/value-serde.ts";
import { messageOf } from "../output/problem.ts";
import type { PlainKeyType, TopicSchemas } from "../topics/topic-schemas.ts";
import type { Selection } from "./selection.ts";

/** Says which dead letters a selection means. It looks into records as they are, and shows none. */
export class LetterMatcher {
  readonly #selection: Selection;
  readonly #schemas: TopicSchemas;
  readonly #decoder: GenericDecoder;
  readonly #keyTypes = new Map<string, Promise<PlainKeyType | undefined>>();
  #failures = 0;
  #firstFailure = "";

  constructor(options: {
    readonly selection: Selection;
    readonly registry: SchemaRegistry;
    readonly schemas: TopicSchemas;
  }) {
    this.#selection = options.selection;
    this.#schemas = options.schemas;
    this.#decoder = createGenericDecoder({ registry: options.registry });
  }

  get selection(): Selection {
    return this.#selection;
  }

  async select(letters: readonly DeadLetter[]): Promise<readonly DeadLetter[]> {
    const { codes, steps, fromMs, toMs, key, where } = this.#selection;
    const found = letters.filter(
      ({ code, step, timestampMs }) =>
        (codes.length === 0 || codes.includes(code)) &&
        (steps.length === 0 || steps.includes(step)) &&
        (fromMs === undefined || timestampMs >= fromMs) &&
        (toMs === undefined || timestampMs < toMs),
    );
    if (key === undefined && where === undefined) return found;
    const selected: DeadLetter[] = [];
    for (const letter of found) if (await this.#isMeant(letter)) selected.push(letter);
    return selected;
  }

  /** Says for how many letters --where could not be answered: they were passed over. */
  tellFailures(): void {
    if (this.#failures === 0) return;
    process.stderr.write(
      `--where could not be answered for ${this.#failures} dead letters, which were passed over: ${this.#firstFailure}\n`,
    );
  }

  async #isMeant(letter: DeadLetter): Promise<boolean> {
    const { key, where } = this.#selection;
    const letterKey = await this.#keyOf(letter);
    if (key !== undefined && keyText(letterKey) !== key) return false;
    if (where === undefined) return true;
    const { code, step, timestampMs, offset, partition, headers = {} } = letter;
    const texts = Object.entries(headers).map(([name, bytes]) => [name, bytes.toString()] as const);
    const record = { key: letterKey, timestampMs, offset, partition, headers: Object.fromEntries(texts) };
    // A registry that does not answer is no reason to pass a letter over.
    const content = await this.#valueOf(letter);
    try {
      return where({ ...record, ...content }, { code, step });
    } catch (error) {
      if (this.#failures++ === 0) this.#firstFailure = messageOf(error).split("\n")[0]!;
      return false;
    }
  }

  /** Null where the bytes cannot be decoded. */
  async #valueOf({ value }: DeadLetter) {
    const none = { value: null, avro: undefined };
    if (value === null) return none;
    await this.#load(value);
    try {
      return { value: this.#decoder.decode(value), avro: this.#decoder.avroOf(value) };
    } catch {
      return none;
    }
  }

  /** As it is shown; a letter has the key of the topic that it comes from. */
  async #keyOf({ key, source }: DeadLetter): Promise<unknown> {
    if (key === null) return null;
    const type = source === undefined ? undefined : await this.#keyTypeOf(source.topic);
    if (type === undefined || type === "string") return key.toString();
    if (type === "avro") await this.#load(key);
    try {
      if (type === "bytes") return { $bytes: key.toString("base64") };
      return type === "avro"
        ? toJson(this.#decoder.avroOf(key), this.#decoder.decode(key))
        : keySerde(type).decode(key);
    } catch {
      return { $bytes: key.toString("base64") };
    }
  }

  #keyTypeOf(topic: string): Promise<PlainKeyType | undefined> {
    let type = this.#keyTypes.get(topic);
    if (type === undefined) {
      type = this.#schemas.keyTypeOf(topic);
      this.#keyTypes.set(topic, type);
    }
    return type;
  }

  async #load(bytes: Buffer): Promise<void> {
    const missing = this.#decoder.missingId(bytes);
    if (missing !== undefined) await this.#decoder.load(missing);
  }
}

/** As it stands in tables. */
export const keyText = (key: unknown): string => (typeof key === "string" ? key : JSON.stringify(key));
