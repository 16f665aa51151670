import { KafkaLog } from "../../runtime/log/kafka/kafka-log.ts";
import { finish, send, settingsFromParent } from "./child.ts";
import { LatencyProbe, type SliceLatency } from "./latency-probe.ts";
import { makeOpenLoop } from "./open-loop.ts";

export interface LoadSettings {
  readonly bootstrap: string;
  readonly source: string;
  readonly keys: number;
  readonly recordsPerSecond: number;
  readonly seconds: number;
  /** Follows every record to the output that shows it, by slices of the load. @default the load is all */
  readonly follow?: { readonly output: string; readonly warmUpSeconds: number; readonly slices: number };
}

export type LoadMessage =
  | { readonly kind: "measured"; readonly output: readonly SliceLatency[]; readonly source: SliceLatency }
  | { readonly kind: "ended" };

const settings = settingsFromParent<LoadSettings>();
const { source, follow } = settings;
const log = new KafkaLog({ connection: { brokers: [settings.bootstrap] } });

if (follow === undefined) await makeOpenLoop(log, settings, () => undefined);
else {
  const output = new LatencyProbe();
  const bare = new LatencyProbe();
  const stop = new AbortController();
  const readers = [output.watch(log, follow.output, stop.signal), bare.watch(log, source, stop.signal)];
  const startedMs = await makeOpenLoop(log, settings, (key, dueMs) => {
    output.expect(key, dueMs);
    bare.expect(key, dueMs);
  });
  await Promise.all([output.allSeen(), bare.allSeen()]);
  stop.abort();
  await Promise.all(readers);
  const fromMs = startedMs + follow.warmUpSeconds * 1_000;
  const untilMs = startedMs + settings.seconds * 1_000;
  send({
    kind: "measured",
    output: output.slices(fromMs, untilMs, follow.slices),
    source: bare.slices(fromMs, untilMs, 1)[0],
  });
}
send({ kind: "ended" });
await log.close();
finish();
