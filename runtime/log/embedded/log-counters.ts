import { MulgilError } from "../../../schemas/mulgil-error.ts";
import { put, type Write } from "./storage.ts";
import { logKey } from "./storage-keys.ts";

const FORMAT = 1;

export interface StoredCounters {
  readonly format: number;
  readonly nextTopicId: number;
  readonly nextProducerId: number;
}

/** Ids that are given once and never again. */
export class LogCounters {
  #nextTopicId: number;
  #nextProducerId: number;

  /** @throws LOG_FORMAT if a newer Mulgil wrote the log */
  constructor(stored: StoredCounters = { format: FORMAT, nextTopicId: 1, nextProducerId: 1 }) {
    if (stored.format !== FORMAT) {
      throw new MulgilError(
        `the embedded log has format ${stored.format}, but this version reads format ${FORMAT}; run the version that wrote it, or use another data directory`,
        { code: "LOG_FORMAT" },
      );
    }
    this.#nextTopicId = stored.nextTopicId;
    this.#nextProducerId = stored.nextProducerId;
  }

  takeTopicId(): number {
    return this.#nextTopicId++;
  }

  takeProducerId(): number {
    return this.#nextProducerId++;
  }

  /** Belongs into the change that uses a new id. */
  write(): Write {
    const stored: StoredCounters = {
      format: FORMAT,
      nextTopicId: this.#nextTopicId,
      nextProducerId: this.#nextProducerId,
    };
    return put(logKey(), Buffer.from(JSON.stringify(stored)));
  }
}
