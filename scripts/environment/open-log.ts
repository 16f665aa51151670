import { existsSync } from "node:fs";
import path from "node:path";
import { openDataDirectory } from "../../runtime/log/embedded/data-directory.ts";
import type { LogAccess } from "../../runtime/log/port.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { SchemaRegistry } from "../../schemas/registry.ts";
import { kafkaOptions } from "./kafka-options.ts";

/** Where a command finds its log: a data directory, or Kafka if a broker is named. */
export interface LogLocation {
  readonly dataDir: string;
  readonly kafka?: string;
  readonly registry?: string;
}

export interface OpenLog {
  readonly log: LogAccess;
  readonly registry: SchemaRegistry;
  /** "owner": this process has the data directory, and others wait for it. */
  readonly role: "owner" | "client";
}

export interface WithLogOptions {
  /** How long a call goes on trying while brokers are away, if that is less than what is configured. */
  readonly patienceMaxMs?: number;
}

/** Opens the log for as long as `use` takes; a data directory as a guest of the process that has it, if there is one. */
export async function withLog<T>(
  where: LogLocation,
  use: (open: OpenLog) => Promise<T>,
  { patienceMaxMs = Infinity }: WithLogOptions = {},
): Promise<T> {
  const kafka = await kafkaOptions(where);
  if (kafka !== undefined) {
    const { openKafka } = await import("../../runtime/worker/open-kafka.ts");
    const patienceMs = Math.min(patienceMaxMs, kafka.patienceMs ?? patienceMaxMs);
    const { log, registry, close } = await openKafka(Number.isFinite(patienceMs) ? { ...kafka, patienceMs } : kafka);
    try {
      return await use({ log, registry, role: "client" });
    } finally {
      await close();
    }
  }
  const directory = await openDataDirectory(path.resolve(where.dataDir), { clock: systemClock });
  try {
    return await use(directory);
  } finally {
    await directory.close();
  }
}

/** For commands that only look: they make no folder where there is none. @throws {MulgilError} DATA_DIR_MISSING */
export function assertLogExists({ dataDir, kafka }: LogLocation): void {
  if (kafka !== undefined || existsSync(dataDir)) return;
  throw new MulgilError(
    `there is no data in ${dataDir}: mulgil write and mulgil run create it; name another folder with --data-dir, or a broker with --kafka`,
    { code: "DATA_DIR_MISSING" },
  );
}
