import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KafkaLog } from "../../runtime/log/kafka/kafka-log.ts";
import { startKafka } from "../../scripts/kafka/start-kafka.ts";
import type { BenchRow } from "../bench-row.ts";

/** A broker that was started for one benchmark, and a folder that goes with it. */
export interface BenchBroker {
  readonly bootstrap: string;
  readonly log: KafkaLog;
  readonly folder: string;
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Runs a benchmark with a broker of its own; without one it says so, and there are no rows. */
export async function withBroker(
  name: string,
  run: (broker: BenchBroker) => Promise<readonly BenchRow[]>,
): Promise<readonly BenchRow[]> {
  const folder = await mkdtemp(join(tmpdir(), "mulgil-bench-"));
  const removeNow = () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  for (const signal of SIGNALS) process.on(signal, exit);
  process.on("exit", removeNow);
  try {
    const kafka = await startKafka({ dir: join(folder, "kafka") }).catch((error: Error) => error);
    if (kafka instanceof Error) {
      process.stderr.write(`${name} is skipped, for no broker can be had here: ${kafka.message}\n`);
      return [];
    }
    try {
      const log = new KafkaLog({ connection: { brokers: [kafka.bootstrap] } });
      try {
        return await run({ bootstrap: kafka.bootstrap, log, folder });
      } finally {
        await log.close();
      }
    } finally {
      await kafka.stop();
    }
  } finally {
    process.off("exit", removeNow);
    for (const signal of SIGNALS) process.off(signal, exit);
    await rm(folder, { recursive: true, force: true });
  }
}

/** Ends the broker with this process, which a signal alone would not. */
function exit(): void {
  process.exit(1);
}
