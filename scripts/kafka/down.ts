import path from "node:path";
import { parseArgs } from "node:util";
import { readStarted, stopStarted } from "./state-file.ts";

const { values } = parseArgs({ options: { data: { type: "string", default: ".mulgil/kafka" } } });
const folder = path.resolve(values.data);
const running = await readStarted(folder);
if (running === undefined) console.log("Kafka does not run here.");
else {
  await stopStarted(folder, running);
  console.log(`Kafka has stopped; its data stays in ${folder}.`);
}
