import type { Command } from "commander";
import type { LogAccess } from "../../runtime/log/port.ts";
import { orderWaiting } from "../../runtime/ops/order-waiting.ts";
import { type HeldGroup, heldGroups, type WaitingGroup, waitingGroups } from "../../runtime/ops/waiting-overview.ts";
import type { Plan } from "../../runtime/plan/plan.ts";
import { orderKeyHash } from "../../runtime/resilience/order-key-hash.ts";
import type { WaitingOrder } from "../../runtime/resilience/waiting-orders.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { actor } from "../change/actor.ts";
import { type ChangeOptions, carryOut, changeOptions } from "../change/change.ts";
import { assertLogExists, type LogLocation, withLog } from "../environment/open-log.ts";
import { type OutputFormat, outputOption, printFormatted } from "../output/formatted.ts";
import { plansWithCalls, planWithCalls, selectionText, waitingSelection } from "../retries/selection.ts";
import { heldTable, heldView, waitingTable, waitingView } from "../retries/waiting-text.ts";
import { examples, located } from "./options.ts";

interface WaitingOptions extends LogLocation {
  readonly step?: string;
  readonly institution?: string;
  readonly key?: string;
}

interface ListOptions extends WaitingOptions {
  readonly job?: string;
  readonly output: OutputFormat;
}

interface OrderOptions extends WaitingOptions, ChangeOptions {
  readonly held?: true;
}

const HELP: Readonly<Record<WaitingOrder["what"], string>> = {
  release: "have records that wait in tiers called for now",
  expire: "end records that wait in tiers: they become dead letters (CALL_EXPIRED_BY_HAND)",
};

const REASONS: Readonly<Record<WaitingOrder["what"], string>> = {
  release: "it is back before its time",
  expire: "it has closed for good",
};

const selected = (command: Command): Command =>
  located(command)
    .option("--step <step>", "only those of this step")
    .option("--institution <institution>", "only those that wait for it")
    .option("--key <key>", "only those of this order key, or of the one with this hash, as ls shows it");

export function addRetries(program: Command): void {
  const retries = program.command("retries").description("show what waits for its next attempt, and release or end it");
  selected(retries.command("ls", { isDefault: true }))
    .description("what waits in retry tiers: how much, since when, until when")
    .option("--job <job>", "only those of this job")
    .addOption(outputOption())
    .addHelpText("after", examples("mulgil retries", "mulgil retries ls --institution bank-07 -o json"))
    .action((options: ListOptions) => list(options, waitingGroups, waitingView, waitingTable));
  addOrder(retries, "release");
  addOrder(retries, "expire").option("--held", "also what is held in state behind them");
}

export function addHeld(program: Command): void {
  const held = program.command("held").description("show what waits in state behind a record that has not ended");
  selected(held.command("ls", { isDefault: true }))
    .description("what is held, by order key: how much, since when, and where the one is that it waits for")
    .option("--job <job>", "only that of this job")
    .addOption(outputOption())
    .addHelpText("after", examples("mulgil held", "mulgil held ls --job collect --institution bank-07"))
    .action((options: ListOptions) => list(options, heldGroups, heldView, heldTable));
}

function addOrder(retries: Command, what: WaitingOrder["what"]): Command {
  return changeOptions(selected(retries.command(what)))
    .description(HELP[what])
    .argument("<job>")
    .addHelpText(
      "after",
      examples(`mulgil retries ${what} collect --institution bank-07 --yes --why "${REASONS[what]}"`),
    )
    .action((job: string, options: OrderOptions) => order(job, what, options));
}

async function list<G extends WaitingGroup | HeldGroup, V>(
  { output, job, ...options }: ListOptions,
  groupsOf: (log: LogAccess, plan: Plan, selection: ReturnType<typeof waitingSelection>) => Promise<readonly G[]>,
  view: (group: G) => V,
  table: (groups: readonly G[], nowMs: number) => string,
): Promise<void> {
  assertLogExists(options);
  const selection = waitingSelection(options);
  const groups = await withLog(options, async ({ log }) => {
    const plans = job === undefined ? await plansWithCalls(log) : [await planWithCalls(log, job)];
    const found: G[] = [];
    for (const plan of plans) found.push(...(await groupsOf(log, plan, selection)));
    return found;
  });
  const nowMs = systemClock.now();
  await printFormatted(groups.map(view), output, () => (groups.length === 0 ? "nothing waits" : table(groups, nowMs)));
}

async function order(job: string, what: WaitingOrder["what"], options: OrderOptions): Promise<void> {
  assertLogExists(options);
  const selection = waitingSelection(options);
  await withLog(options, async ({ log }) => {
    const plan = await planWithCalls(log, job);
    const [waiting, held] = [await waitingGroups(log, plan, selection), await heldGroups(log, plan, selection)];
    const isForHeld = what === "expire" && options.held === true;
    const records = sum(waiting.map((group) => group.records));
    const behind = sum(held.map((group) => group.held));
    if (records + (isForHeld ? behind : 0) === 0) {
      process.stdout.write("nothing waits\n");
      return;
    }
    const nowMs = systemClock.now();
    const steps = [...new Set([...waiting, ...held].map(({ step }) => step))].sort();
    const done = await carryOut(
      log,
      {
        action: `retries ${what}`,
        target: `job ${job}`,
        preview: [
          ...(records === 0 ? [] : waitingTable(waiting, nowMs).split("\n")),
          `${count(records)} records in tiers would ${what === "release" ? "be called for now" : "become dead letters"}${behindText(what, isForHeld, behind)}`,
        ],
        before: { selection: selectionText(options), records, ...(behind > 0 && { held: behind }) },
        after: { order: what, steps },
        apply: async ({ why }) => {
          for (const given of ordersOf(what, { ...options, why }, isForHeld))
            await orderWaiting(log, job, { steps, order: given });
          return true;
        },
      },
      options,
    );
    if (done !== undefined)
      process.stdout.write(`ordered; workers of ${job} obey within seconds, or when they start\n`);
  });
}

function behindText(what: WaitingOrder["what"], isForHeld: boolean, behind: number): string {
  if (behind === 0) return "";
  if (what === "release") return `; ${count(behind)} are held behind some, and follow in order`;
  return isForHeld
    ? `, and ${count(behind)} that are held`
    : `; ${count(behind)} that are held stay, and follow in order`;
}

function ordersOf(what: WaitingOrder["what"], options: OrderOptions, isForHeld: boolean): readonly WaitingOrder[] {
  const { institution, why = "", key } = options;
  const order = {
    ...{ what, by: actor(), why, atMs: systemClock.now() },
    ...(institution !== undefined && { resource: institution }),
    ...(isForHeld && { isForHeld }),
  };
  if (key === undefined) return [order];
  // What looks like a hash may be a key all the same.
  const hashes = isHash(key) ? [key, orderKeyHash(key)] : [orderKeyHash(key)];
  return hashes.map((keyHash) => ({ ...order, keyHash }));
}

/** As ls shows it. */
const isHash = (key: string): boolean => /^[0-9a-f]{12}$/.test(key);

const sum = (counts: readonly number[]): number => counts.reduce((total, each) => total + each, 0);

const count = (value: number): string => value.toLocaleString("en-US");
