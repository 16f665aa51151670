import { type SchemaRegistry, subjectOfKey, subjectOfValue } from "../../../schemas/registry.ts";
import type { TopicSchemas } from "../../plan/personal-data.ts";
import type { Clock } from "../../time/clock.ts";
import type { SchemaSource } from "./store-mask.ts";

/** A page is to be answered within seconds; a registry that is away is not waited for. */
const ANSWER_MAX_MS = 1_500;
/** Somebody who tags a field waits for no longer than that until it is hidden. */
const FRESH_MS = 30_000;
/** A registry that is away is not asked for every page. */
const RETRY_MS = 5_000;

/** What the registry knows of topics, asked at most twice a minute. While it does not answer, what it said last holds; if it never did, nobody can say. */
export class RegisteredSchemas implements SchemaSource {
  readonly #registry: SchemaRegistry;
  readonly #clock: Clock;
  readonly #known = new Map<string, { readonly untilMs: number; readonly schemas: TopicSchemas | undefined }>();

  constructor(registry: SchemaRegistry, clock: Clock) {
    this.#registry = registry;
    this.#clock = clock;
  }

  async describing(topic: string): Promise<TopicSchemas | undefined> {
    const known = this.#known.get(topic);
    if (known !== undefined && this.#clock.now() < known.untilMs) return known.schemas;
    const asked = await this.#ask(topic);
    const schemas = asked ?? known?.schemas;
    const untilMs = this.#clock.now() + (asked === undefined ? RETRY_MS : FRESH_MS);
    this.#known.set(topic, { untilMs, schemas });
    return schemas;
  }

  async #ask(topic: string): Promise<TopicSchemas | undefined> {
    const over = new AbortController();
    const asked = Promise.all([
      this.#registry.latest(subjectOfValue(topic)),
      this.#registry.latest(subjectOfKey(topic)),
    ]).then(
      ([value, key]) => ({ values: value ? [value.avro] : [], keys: key ? [key.avro] : [] }),
      // In doubt everything is hidden: whoever asks for state is not told of a registry.
      () => undefined,
    );
    const late = this.#clock.sleep(ANSWER_MAX_MS, over.signal).then(() => undefined);
    try {
      return await Promise.race([asked, late]);
    } finally {
      over.abort();
    }
  }
}
