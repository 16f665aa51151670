import { existsSync } from "node:fs";
import path from "node:path";
import { openDataDirectory } from "../../runtime/log/embedded/data-directory.ts";
import type { LogAccess } from "../../runtime/log/port.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { SchemaRegistry } from "../../schemas/registry.ts";
import { type KafkaLocation, kafkaLocation } from "./kafka-options.ts";
import { missingRegistry, registryMissing } from "./missing-registry.ts";

/** Where a command finds its log: a data directory, or Kafka if a broker is named. */
export interface LogLocation {
  readonly dataDir: string;
  readonly kafka?: string;
  readonly registry?: string;
}

export interface OpenLog {
  readonly log: LogAccess;
  /** Where none is named, whatever is asked of it rejects with REGISTRY_MISSING. */
  readonly registry: SchemaRegistry;
  /** "owner": this process has the data directory, and others wait for it. */
  readonly role: "owner" | "client";
}

export interface WithLogOptions {
  /** How long a call goes on trying while brokers are away, if that is less than what is configured. */
  readonly patienceMaxMs?: number;
  /** Without a schema registry the command ends before anything is opened: it would fail half-way. @default false */
  readonly needsRegistry?: boolean;
}

/**
 * Opens the log for as long as `use` takes; a data directory as a guest of the process that has it, if there is one.
 * @throws {MulgilError} REGISTRY_MISSING if the command needs a schema registry, and none is named
 */
export async function withLog<T>(
  where: LogLocation,
  use: (open: OpenLog) => Promise<T>,
  { patienceMaxMs = Infinity, needsRegistry = false }: WithLogOptions = {},
): Promise<T> {
  const kafka = await kafkaLocation(where);
  if (kafka !== undefined) {
    if (needsRegistry && kafka.registry === undefined) throw registryMissing();
    const patienceMs = Math.min(patienceMaxMs, kafka.patienceMs ?? patienceMaxMs);
    const { log, registry, close } = await openOnKafka(Number.isFinite(patienceMs) ? { ...kafka, patienceMs } : kafka);
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

async function openOnKafka({ registry, ...kafka }: KafkaLocation) {
  const { openKafka, openKafkaLog } = await import("../../runtime/worker/open-kafka.ts");
  if (registry !== undefined) return await openKafka({ ...kafka, registry });
  return { registry: missingRegistry, ...(await openKafkaLog(kafka)) };
}

/** With a registry, or not at all. */
export const withLogAndRegistry = <T>(where: LogLocation, use: (open: OpenLog) => Promise<T>): Promise<T> =>
  withLog(where, use, { needsRegistry: true });

/** For commands that only look: they make no folder where there is none. @throws {MulgilError} DATA_DIR_MISSING */
export function assertLogExists({ dataDir, kafka }: LogLocation): void {
  if (kafka !== undefined || existsSync(dataDir)) return;
  throw new MulgilError(
    `there is no data in ${dataDir}: mulgil write and mulgil run create it; name another folder with --data-dir, or a broker with --kafka`,
    { code: "DATA_DIR_MISSING" },
  );
}
