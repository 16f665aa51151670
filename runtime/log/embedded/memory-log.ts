import { MemoryLevel } from "memory-level";
import type { EmbeddedLog } from "./embedded-log.ts";
import { type EmbeddedLogOptions, openEmbeddedLog } from "./open-embedded-log.ts";

/** A log that lives in memory: for tests and simulations. Nothing of it has to be released. */
export function memoryLog(options: Omit<EmbeddedLogOptions, "database">): Promise<EmbeddedLog> {
  const database = new MemoryLevel<Buffer, Buffer>({ keyEncoding: "buffer", valueEncoding: "buffer" });
  return openEmbeddedLog({ ...options, database });
}
