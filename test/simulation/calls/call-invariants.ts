import { fail } from "../read-topic.ts";
import { type Ended, isRefused, type Request } from "./call-job.ts";

export interface Endings {
  readonly sent: readonly Request[];
  /** In the order in which they became visible, of each key. */
  readonly endings: readonly Ended[];
  readonly delivery: "exactly-once" | "at-least-once";
  readonly order: "strict" | "lastSuccessWins";
}

/** Every request has ended, once, as it had to, in its order; and nothing of somebody forgotten is written behind the order. */
export function checkEndings({ sent, endings, delivery, order }: Endings): void {
  const byKey = Map.groupBy(sent, ({ key }) => key);
  const endingsByKey = Map.groupBy(endings, ({ key }) => key);
  for (const [key, own] of byKey) {
    const found = endingsByKey.get(key) ?? [];
    checkKey(own, delivery === "exactly-once" ? found : firstOfEach(found));
    // Outside of transactions what was written before a crash is written again behind the order, which was written too.
    if (delivery === "exactly-once") checkForgotten(own, found);
    if (delivery === "exactly-once") (order === "strict" ? checkStrict : checkLastSuccess)(key, found);
  }
  const known = new Set(sent.map(({ id }) => id));
  for (const { id } of endings) if (!known.has(id)) fail(`request ${id} has ended and was never sent`);
}

function checkKey(own: readonly Request[], found: readonly Ended[]): void {
  const lastForget = own.findLastIndex(({ kind }) => kind === "forget");
  for (const [index, request] of own.entries()) {
    const hows = found.filter(({ id }) => id === request.id).map(({ how }) => how);
    if (hows.length > 1) fail(`request ${request.id} has ended ${hows.length} times: ${hows.join(", ")}`);
    if (hows.length === 0 && (index > lastForget || request.kind === "forget"))
      fail(`request ${request.id} has not ended`);
    if (hows[0] !== undefined && !isPossible(request, hows[0])) fail(`request ${request.id} ended as ${hows[0]}`);
  }
}

function checkForgotten(own: readonly Request[], found: readonly Ended[]): void {
  for (const [index, order] of own.entries()) {
    if (order.kind !== "forget") continue;
    const at = found.findIndex(({ id }) => id === order.id);
    const before = new Set(own.slice(0, index).map(({ id }) => id));
    const written = found.slice(at + 1).find(({ id, how }) => before.has(id) && how !== "erased");
    if (written !== undefined)
      fail(`request ${written.id} is written behind the order ${order.id} to forget its subject`);
  }
}

function isPossible(request: Request, how: Ended["how"]): boolean {
  if (request.kind === "forget") return how === "erased";
  if (how === "superseded") return true;
  return how === (isRefused(request) ? "dead" : "done");
}

/** In the order in which they were sent, whatever happened to each. */
function checkStrict(key: string, found: readonly Ended[]): void {
  const ids = found.filter(({ how }) => how !== "erased").map(({ id }) => id);
  for (const [index, id] of ids.entries())
    if (index > 0 && id < ids[index - 1]!)
      fail(`key ${key}: request ${id} ended behind ${ids[index - 1]}, which was sent later`);
  if (found.some(({ how }) => how === "superseded")) fail(`key ${key}: something is superseded in strict order`);
}

/** The last success is the latest one; what is superseded is older than a success in front of it. */
function checkLastSuccess(key: string, found: readonly Ended[]): void {
  let latest = -1;
  for (const { id, how } of found) {
    if (how === "done" && id < latest) fail(`key ${key}: request ${id} succeeded behind ${latest}, which is later`);
    if (how === "superseded" && id > latest)
      fail(`key ${key}: request ${id} is superseded, and nothing later has succeeded`);
    if (how === "done") latest = id;
  }
}

/** Outside of transactions an ending may be written twice. */
function firstOfEach(found: readonly Ended[]): readonly Ended[] {
  const seen = new Set<number>();
  return found.filter(({ id }) => {
    const isNew = !seen.has(id);
    seen.add(id);
    return isNew;
  });
}
