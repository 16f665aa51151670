import { mkdir } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import { startKafka } from "./start-kafka.ts";
import { startRegistry } from "./start-registry.ts";
import { readStarted, type Started, writeStarted } from "./state-file.ts";

const DEFAULT_DATA = ".mulgil/kafka";
const HELP = `Starts Apache Kafka on this machine, on free ports of the loopback interface, and leaves it running.

  npm run kafka:up [-- options]
    --nodes N      brokers (1 or 3; default 1)
    --registry     a schema registry too
    --sasl         listeners with user and password over TLS too
    --data DIR     where data and output go, and stay (default .mulgil/kafka)

  npm run kafka:down [-- --data DIR]   stops it`;

const { values } = parseArgs({
  options: {
    nodes: { type: "string", default: "1" },
    registry: { type: "boolean", default: false },
    sasl: { type: "boolean", default: false },
    data: { type: "string", default: DEFAULT_DATA },
    help: { type: "boolean", short: "h", default: false },
  },
});

if (values.help) console.log(HELP);
else await up();

async function up(): Promise<void> {
  const folder = path.resolve(values.data);
  await mkdir(folder, { recursive: true });
  const running = await readStarted(folder);
  if (running !== undefined) {
    console.log("Kafka runs already.");
    tell(running, values.data);
    return;
  }
  const nodes = Number(values.nodes);
  if (nodes !== 1 && nodes !== 3) throw new TypeError(`--nodes must be 1 or 3, not ${values.nodes}`);
  const kafka = await startKafka({ nodes, dir: folder, sasl: values.sasl, detached: true });
  const processes = [...kafka.pids].map(([node, pid]) => ({ pid, mark: path.join(folder, `node-${node}`) }));
  // Known to `down` before anything else can fail.
  await writeStarted(folder, { bootstrap: kafka.bootstrap, registry: undefined, processes });
  let started: Started = { bootstrap: kafka.bootstrap, registry: undefined, processes };
  if (values.registry) {
    const dir = path.join(folder, "registry");
    const registry = await startRegistry({ dir, detached: true });
    started = { ...started, registry: registry.url, processes: [...processes, { pid: registry.pid, mark: dir }] };
    await writeStarted(folder, started);
  }
  console.log("Kafka is ready.");
  tell(started, values.data);
  if (kafka.sasl !== undefined) {
    const { bootstrap, username, caFile } = kafka.sasl;
    console.log(
      `  over TLS     ${bootstrap} as ${username}; the password is in ${path.join(folder, "cluster.json")}, the certificate in ${caFile}`,
    );
  }
  // The children have been let go of; the sockets of the readiness check may not be closed yet.
  process.exit(0);
}

function tell({ bootstrap, registry }: Started, data: string): void {
  console.log(`  brokers      ${bootstrap}`);
  if (registry !== undefined) console.log(`  registry     ${registry}`);
  console.log(`  use it       export MULGIL_KAFKA=${bootstrap}`);
  console.log(`  stop it      npm run kafka:down${data === DEFAULT_DATA ? "" : ` -- --data ${data}`}`);
}
