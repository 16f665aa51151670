import type { BatchEncoder } from "./batch-encoding.ts";
import type { LogDatabase } from "./storage.ts";
import type { WriteQueue } from "./write-queue.ts";

/** What maintenance works with. One piece of it runs at a time, see maintenance.ts. */
export interface MaintenanceServices {
  readonly database: LogDatabase;
  readonly queue: WriteQueue;
  readonly encoder: BatchEncoder;
  now(): number;
}

/** Read and written at once by maintenance. */
export const CHUNK_BYTES = 1024 * 1024;
