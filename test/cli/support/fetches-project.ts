import { writeFileSync } from "node:fs";
import path from "node:path";
import { mulgil, objectsIn, type RunningCommand, startMulgil, temporaryFolder } from "./mulgil.ts";

const ORDER = {
  ...{ type: "record", name: "Fetch", topic: "fetches", key: "customer", partitions: 2 },
  fields: ["id", "customer", "bank"].map((name) => ({ name, type: "string" })),
};

/** Calls banks; those that are not in the file up.txt answer with an error. What fails waits for an hour. */
const JOB = `
  import { readFileSync } from "node:fs";
  import { defineJob, done, retry, type Schema, topic } from "mulgil";
  type Fetch = { readonly id: string; readonly customer: string; readonly bank: string };
  const fetch = { avro: ${JSON.stringify(ORDER)} } as Schema<Fetch>;
  const fetched = { avro: { type: "record", name: "Fetched", fields: [{ name: "id", type: "string" }] } } as Schema<{ id: string }>;
  export default defineJob({
    name: "fetching",
    version: 1,
    delivery: "exactly-once",
    commitEvery: "100 ms",
    flow(from) {
      from(topic("fetches", { value: fetch, key: "customer" }))
        .call("fetch", {
          resource: ({ bank }) => bank,
          orderKey: ({ customer, bank }) => customer + "@" + bank,
          order: "strict",
          tiers: ["1 hour"],
          policy: { circuit: { callsMin: 100_000 } },
          handler: ({ id, bank }) =>
            readFileSync("up.txt", "utf8").split(" ").includes(bank) ? done({ id }) : retry("down"),
        })
        .map(({ id }) => ({ id }))
        .to(topic("fetched", { value: fetched, keyType: "string" }));
    },
  });
`;

export interface Fetch {
  readonly id: string;
  readonly customer: string;
  readonly bank: string;
}

/** A user's folder with a job that calls banks which are down until he says that they are up. */
export class FetchesProject {
  readonly cwd = temporaryFolder({
    ...{ "job.ts": JOB, "fetch.avsc": JSON.stringify(ORDER), "up.txt": "", "package.json": '{"type":"module"}' },
  });
  readonly #where: readonly string[];

  /** @param where --kafka and --registry; without them, on a data directory */
  constructor(where: readonly string[] = []) {
    this.#where = where;
  }

  bringUp(...banks: readonly string[]): void {
    writeFileSync(path.join(this.cwd, "up.txt"), banks.join(" "));
  }

  async write(...fetches: readonly Fetch[]): Promise<void> {
    const args = ["write", "fetches", "-f", "-", "--schemas", ".", ...this.#where];
    const stdin = fetches.map((each) => JSON.stringify(each)).join("\n");
    const { code, stderr } = await mulgil(args, { cwd: this.cwd, stdin });
    if (code !== 0) throw new Error(stderr);
  }

  command(...args: readonly string[]) {
    return mulgil([...args, ...this.#where], { cwd: this.cwd });
  }

  /** The job, until the test is over at the latest. */
  start(): RunningCommand {
    return startMulgil(["run", "job.ts", ...this.#where], { cwd: this.cwd });
  }

  /** What a command shows as JSON. */
  async shown<T = Record<string, unknown>>(...args: readonly string[]): Promise<readonly T[]> {
    const { code, stdout, stderr } = await this.command(...args, "-o", "json");
    if (code !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as readonly T[];
  }

  /** Ids of what was fetched, in order. */
  async fetched(): Promise<readonly string[]> {
    const { code, stdout } = await this.command("read", "fetched", "--key-type", "string");
    return code === 0 ? objectsIn<{ value: { id: string } }>(stdout).map(({ value }) => value.id) : [];
  }
}
