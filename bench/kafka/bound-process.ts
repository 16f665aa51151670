import { KafkaLog } from "../../runtime/log/kafka/kafka-log.ts";
import { type BoundSettings, Progress } from "./bound.ts";
import { runKafkajsBound } from "./bound-kafkajs.ts";
import { runOwnBound } from "./bound-own.ts";
import { finish, send, settingsFromParent } from "./child.ts";

const settings = settingsFromParent<BoundSettings>();
// Patches kafkajs, too: whoever measures it must not measure its timer that never rests.
const log = new KafkaLog({ connection: { brokers: [settings.bootstrap] } });
const progress = new Progress(settings);
const cost =
  settings.client === "kafkajs"
    ? await runKafkajsBound(settings, progress)
    : await runOwnBound(log, settings, progress);
send({ kind: "measured", cost });
await log.close();
finish();
