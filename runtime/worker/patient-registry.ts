import type { MulgilError } from "../../schemas/mulgil-error.ts";
import {
  type Compatibility,
  isRegistryAway,
  type RegisteredSchema,
  type SchemaRegistry,
} from "../../schemas/registry.ts";
import type { AvroJson } from "../../schemas/schema.ts";
import type { Clock } from "../time/clock.ts";
import type { JobEvent } from "./job-event.ts";

export interface PatientRegistryOptions {
  readonly job: string;
  readonly registry: SchemaRegistry;
  readonly clock: Clock;
  readonly random: () => number;
  readonly onEvent: (event: JobEvent) => void;
}

/** Why a schema is not here yet, as of the last time that it was asked for. */
export interface SchemaTrouble {
  readonly code: string;
  readonly message: string;
}

/** After the first failure, and at most; each wait is between half of it and all. */
const FIRST_WAIT_MS = 500;
const WAIT_MAX_MS = 15_000;

/**
 * The registry as the tasks of a job see it: schemas that they meet are asked for until it answers, however long it is away or refuses the user. What
 * it says of a schema, also that there is none, is handed on. Everything else is asked once.
 */
export class PatientRegistry implements SchemaRegistry {
  readonly #options: PatientRegistryOptions;
  readonly #registry: SchemaRegistry;
  /** One for each schema, however many tasks wait for it. */
  readonly #asked = new Map<number, Promise<AvroJson>>();
  readonly #troubles = new Map<number, SchemaTrouble>();
  readonly #closed = new AbortController();

  constructor(options: PatientRegistryOptions) {
    this.#options = options;
    this.#registry = options.registry;
  }

  /** Undefined while there is none, or the first answer is not here. */
  troubleOf(id: number): SchemaTrouble | undefined {
    return this.#troubles.get(id);
  }

  schemaById(id: number): Promise<AvroJson> {
    const asked = this.#asked.get(id) ?? this.#ask(id).finally(() => this.#asked.delete(id));
    this.#asked.set(id, asked);
    return asked;
  }

  /** Asks no more. Whoever waits is told that the job has ended. */
  close(): void {
    this.#closed.abort();
  }

  async #ask(id: number): Promise<AvroJson> {
    const { clock, onEvent, job } = this.#options;
    const sinceMs = clock.now();
    try {
      for (let attempt = 0; ; attempt++) {
        try {
          return await this.#registry.schemaById(id);
        } catch (error) {
          if (!isRegistryAway(error) || this.#closed.signal.aborted) throw error;
          this.#note(id, error);
        }
        await clock.sleep(this.#waitMs(attempt), this.#closed.signal);
      }
    } finally {
      const wasMissed = this.#troubles.delete(id);
      if (wasMissed && !this.#closed.signal.aborted)
        onEvent({ kind: "schemaFound", job, schema: id, waitedMs: clock.now() - sinceMs });
    }
  }

  /** Told once, and again when it is for another reason. */
  #note(id: number, error: MulgilError): void {
    const { job, onEvent } = this.#options;
    const { code, message } = error;
    if (this.#troubles.get(id)?.code !== code) onEvent({ kind: "schemaAwaited", job, schema: id, error });
    this.#troubles.set(id, { code, message });
  }

  #waitMs(attempt: number): number {
    const waitMs = Math.min(WAIT_MAX_MS, FIRST_WAIT_MS * 2 ** Math.min(attempt, 16));
    return waitMs * (0.5 + this.#options.random() / 2);
  }

  register(subject: string, avro: AvroJson): Promise<number> {
    return this.#registry.register(subject, avro);
  }

  latest(subject: string): Promise<RegisteredSchema | undefined> {
    return this.#registry.latest(subject);
  }

  versions(subject: string): Promise<readonly RegisteredSchema[]> {
    return this.#registry.versions(subject);
  }

  subjects(): Promise<readonly string[]> {
    return this.#registry.subjects();
  }

  compatibilityOf(subject: string): Promise<Compatibility | undefined> {
    return this.#registry.compatibilityOf(subject);
  }
}
