import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { mulgil, startMulgil, temporaryFolder } from "./mulgil.ts";

/** What of the job of the project can be otherwise. */
export interface TotalsVariant {
  readonly name?: string;
  readonly version?: number;
  /** The step that has the state. */
  readonly step?: string;
  /** Of the windows; none if undefined. */
  readonly size?: string;
  /** More fields of what is written, as Avro's JSON. */
  readonly fields?: string;
  readonly source?: string;
  readonly sink?: string;
}

export const eventSchema = (partitions = 2, ...fields: readonly object[]) => ({
  ...{ type: "record", name: "Event", topic: "events", key: "id", partitions },
  fields: [{ name: "id", type: "string" }, ...fields],
});

const jobSource = ({
  name = "totals",
  version = 1,
  step = "totals",
  size,
  fields = "",
  source,
  sink,
}: TotalsVariant) => `
  import { count, defineJob, type Schema, topic, tumbling } from "mulgil";
  const event = { avro: ${JSON.stringify(eventSchema())} } as Schema<{ readonly id: string }>;
  const total = { avro: { type: "record", name: "Total", fields: [{ name: "events", type: "long" }${fields}] } } as Schema<any>;
  export default defineJob({
    name: "${name}",
    version: ${version},
    commitEvery: "100 ms",
    flow(from) {
      from(topic("${source ?? "events"}", { value: event, key: "id" }))${size === undefined ? "" : `.window(tumbling("${size}", { grace: "1 hour" }))`}
        .aggregate("${step}", { events: count() }).to(topic("${sink ?? "totals"}", { value: total, keyType: "string" }));
    },
  });
`;

/** A user's folder with events and a job that counts them. `where` says on which log the commands work, beside the folder "data". */
export function totalsProject(where: readonly string[] = [], cwd = temporaryFolder()) {
  const env = { MULGIL_DATA_DIR: "data" };
  const file = (name: string, content: string) => writeFileSync(path.join(cwd, name), content);
  file("event.avsc", JSON.stringify(eventSchema()));
  file("job.ts", jobSource({}));
  const command = (...args: readonly string[]) => mulgil([...args, ...where], { cwd, env });
  return {
    cwd,
    file,
    command,
    read: (name: string) => readFileSync(path.join(cwd, name), "utf8"),
    job: (name: string, variant: TotalsVariant) => file(name, jobSource(variant)),
    async write(...ids: readonly string[]) {
      const stdin = ids.map((id) => JSON.stringify({ id })).join("\n");
      const args = ["write", "events", "-f", "-", "--schemas", ".", ...where];
      expect(await mulgil(args, { cwd, env, stdin })).toMatchObject({ code: 0 });
    },
    start: (...args: readonly string[]) => startMulgil(["run", ...args, ...where], { cwd, env }),
    run: (...args: readonly string[]) => command("run", ...args, "--until-idle"),
    /** Of a command that shows something. */
    async shown(...args: readonly string[]) {
      const { code, stdout, stderr } = await command(...args, "-o", "json");
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      return JSON.parse(stdout);
    },
    async done(...args: readonly string[]) {
      const outcome = await command(...args);
      expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
      return outcome;
    },
  };
}
