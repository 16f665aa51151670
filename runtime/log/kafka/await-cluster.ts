import { systemClock } from "../../time/system-clock.ts";
import { Addresses, Connections } from "./connections.ts";
import { Directory } from "./directory.ts";
import { linkFactory } from "./kafka-connection.ts";

const ATTEMPT_MAX_MS = 2_000;

/** Whether each of the addresses answers, and knows so many brokers. */
export async function awaitCluster(brokers: readonly string[], count: number): Promise<boolean> {
  const answers = await Promise.all(brokers.map((broker) => brokersKnownBy(broker)));
  return answers.every((known) => known >= count);
}

async function brokersKnownBy(broker: string): Promise<number> {
  const addresses = new Addresses();
  const connections = new Connections(linkFactory({ brokers: [broker] }), addresses);
  const over = AbortSignal.timeout(ATTEMPT_MAX_MS);
  try {
    const directory = new Directory(connections, addresses, { clock: systemClock, signal: over, patienceMs: 0 });
    return (await directory.all()).brokers.length;
  } catch {
    // Not yet.
    return 0;
  } finally {
    await connections.close();
  }
}
