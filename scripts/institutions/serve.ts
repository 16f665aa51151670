import { once } from "node:events";
import { Command, InvalidArgumentError } from "commander";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { institutionsOf } from "./institutions-of.ts";
import { startInstitutions } from "./start-institutions.ts";

interface ServeOptions {
  readonly count: number;
  readonly seed: number;
  readonly port: number;
  readonly berka?: string;
}

const INSTITUTIONS_MAX = 200;
const PORT_MAX = 65_535;

/** `npm run institutions`: serves institutions to develop against until Ctrl-C. */
const { count, seed, port, berka } = new Command("institutions")
  .description("Serves banks, card companies and insurers to develop against (docs/INSTITUTIONS.md), until Ctrl-C.")
  .option("--count <number>", "how many", wholeNumber(1, INSTITUTIONS_MAX), 20)
  .option("--seed <number>", "of all data, tokens and faults", wholeNumber(0, 2 ** 32 - 1), 7)
  .option("--port <number>", "on 127.0.0.1; 0 takes a free one", wholeNumber(0, PORT_MAX), 0)
  .option("--berka <file>", "the first bank's data: a CSV file of the Berka bank, also .gz")
  .parse()
  .opts<ServeOptions>();

// A program that started this one with a channel may end without a word.
const over = Promise.race(["SIGINT", "SIGTERM", "disconnect"].map((event) => once(process, event)));
const definitions = institutionsOf(count).map((definition, index) =>
  index === 0 && berka !== undefined ? { ...definition, berka } : definition,
);
const institutions = await startInstitutions({ clock: systemClock, seed, port, institutions: definitions });
const first = definitions[0]!.id;
console.log(`${count} institutions at ${institutions.address}:
${definitions.map(({ id }) => `  ${institutions.url(id)}`).join("\n")}

what they are doing:  curl ${institutions.address}/_admin/institutions
make one slow:        curl -X PATCH ${institutions.address}/_admin/institutions/${first}/behaviour -d '{"latency":{"kind":"fixed","ms":2000}}'
take it down:         curl -X PATCH ${institutions.address}/_admin/institutions/${first}/behaviour -d '{"outage":{"kind":"silent"}}'
as it was:            curl -X PUT ${institutions.address}/_admin/institutions/${first}/behaviour -d '{}'

Ctrl-C ends them.`);
await over;
await institutions.close();
process.disconnect?.();

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`a whole number from ${min} to ${max}.`);
    return value;
  };
}
