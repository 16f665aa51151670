import { existsSync } from "node:fs";
import { readdir, stat, statfs } from "node:fs/promises";
import { hostname } from "node:os";
import path from "node:path";
import type { DiskFacts, LogFacts } from "../../runtime/ops/doctor/facts.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import type { ProcessIdentity } from "../../runtime/worker/member-status.ts";
import { kafkaLocation } from "../environment/kafka-options.ts";
import type { LogLocation } from "../environment/open-log.ts";

/** What is known of the log before it is opened. */
export interface Whereabouts {
  readonly about: LogFacts;
  readonly registryWhere: string;
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\]):\d+$/;

/** @throws {ConfigError} KAFKA_… if the connection is not configured well */
export async function whereabouts(where: LogLocation): Promise<Whereabouts> {
  const kafka = await kafkaLocation(where);
  if (kafka === undefined) {
    const folder = path.resolve(where.dataDir);
    return { about: { kind: "data directory", where: folder }, registryWhere: `in ${folder}` };
  }
  const { brokers, tls, sasl } = kafka.connection;
  return {
    about: {
      kind: "kafka",
      where: brokers.join(","),
      security: {
        isEncrypted: tls !== undefined,
        sasl: sasl?.mechanism,
        isLocal: brokers.every((broker) => LOOPBACK.test(broker)),
      },
    },
    registryWhere: kafka.registry?.url ?? "(none is named)",
  };
}

/** Whether the process is there; undefined if that is another machine. */
export function isAlive({ host, pid }: ProcessIdentity): boolean | undefined {
  if (host !== hostname()) return undefined;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Looks at the disk of a data directory now, and again when asked: what has gone since tells how fast it fills. */
export async function diskWatch({ dataDir }: LogLocation): Promise<() => Promise<readonly DiskFacts[]>> {
  const folder = path.resolve(dataDir);
  if (!existsSync(folder)) return async () => [];
  const startMs = systemClock.now();
  const before = await spaceOf(folder);
  return async () => {
    const seconds = (systemClock.now() - startMs) / 1_000;
    const now = await spaceOf(folder);
    const shrinksPerSecond = seconds < 1 ? undefined : (before.freeBytes - now.freeBytes) / seconds;
    return [{ host: undefined, path: folder, ...now, usedBytes: await bytesIn(folder), shrinksPerSecond }];
  };
}

async function spaceOf(folder: string): Promise<Pick<DiskFacts, "freeBytes" | "totalBytes">> {
  const { bavail, blocks, bsize } = await statfs(folder);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}

/** Files come and go while they are counted. */
async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) =>
        stat(path.join(parentPath, name)).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
