import { stripVTControlCharacters, styleText } from "node:util";
import ms from "ms";
import type { InstitutionOverview } from "../../runtime/ops/circuits-overview.ts";
import type { InstitutionStats } from "../institutions/institution-stats.ts";
import { table } from "../output/table.ts";
import { number } from "../run/progress.ts";
import type { NewsItem } from "./news.ts";
import type { Situation } from "./situation.ts";
import { definitions, peculiarityOf } from "./trouble.ts";

const HEAD = ["institution", "circuit", "in flight", "limit", "waiting", "oldest", "p95", "calls", "failed", ""];
const NUMBERS = HEAD.slice(2, -1);
const NEWS_MAX = 5;
const BAR_CHARACTERS = 30;
export const BOARD_COLUMNS = 100;

/** The whole board, 35 lines of 100 characters at most. */
export function boardLines(situation: Situation): readonly string[] {
  const rows = definitions.map(({ id }) => rowOf(id, situation));
  return [
    `${styleText("bold", "MyData")}: ${definitions.length} institutions, ${number(situation.customers.all)} customers, ${secondsOf(situation.elapsedMs)} s`,
    "",
    ...table(HEAD, rows, NUMBERS).split("\n"),
    "",
    ...totalLines(situation),
    "",
    ...situation.news.slice(-NEWS_MAX).map(newsLine),
  ].map(cut);
}

/** One line that says how far it is. */
export function progressLine({ elapsedMs, customers, requests, calls, overviews }: Situation): string {
  const waiting = [...overviews.values()].reduce((sum, one) => sum + one.waiting, 0);
  return [
    `${secondsOf(elapsedMs).padStart(4)} s`,
    `requests ${number(requests.ended)} of ${number(requests.sent)} ended (${number(requests.endedPerSecond)}/s)`,
    `HTTP calls ${number(calls.all)} (${number(calls.perSecond)}/s)`,
    `waiting ${number(waiting)}`,
    `profiles ${number(customers.complete)} of ${number(customers.profiles)} complete`,
  ].join("  ");
}

export const newsLine = ({ atMs, text }: NewsItem): string => `${secondsOf(atMs).padStart(4)} s  ${text}`;

function rowOf(id: string, situation: Situation): readonly string[] {
  const overview = situation.overviews.get(id);
  const stats = situation.stats.get(id);
  const calls = stats === undefined ? ["-", "-"] : [number(stats.requests), number(failuresOf(stats))];
  const known =
    overview === undefined
      ? ["-", "-", "-", "-", "-", "-"]
      : [
          circuitOf(overview),
          ...[String(overview.inFlight), String(overview.limit), number(overview.waiting)],
          oldestOf(overview, situation),
          overview.latency === undefined ? "-" : ms(overview.latency.p95),
        ];
  return [id, ...known, ...calls, peculiarityOf(id)];
}

/** Known to within ten seconds only, which may be before anybody was there. */
function oldestOf({ oldestWaitingSinceMs }: InstitutionOverview, { nowMs, elapsedMs }: Situation): string {
  if (oldestWaitingSinceMs === undefined) return "-";
  return ms(Math.min(Math.max(0, nowMs - oldestWaitingSinceMs), elapsedMs));
}

const circuitOf = ({ circuit }: InstitutionOverview): string =>
  circuit === "closed" ? styleText("green", circuit) : styleText("red", circuit === "halfOpen" ? "half-open" : circuit);

/** Calls without an answer, and answers that are none. */
const failuresOf = ({ answersByCode, unanswered }: InstitutionStats): number =>
  Object.entries(answersByCode).reduce((sum, [code, count]) => sum + (code === "00000" ? 0 : count), 0) +
  Object.values(unanswered).reduce((sum, count) => sum + count, 0);

function totalLines({ customers, requests, calls }: Situation): readonly string[] {
  const { all, arrived, profiles, complete } = customers;
  const done = all === 0 ? 0 : Math.floor((BAR_CHARACTERS * complete) / all);
  const outstanding = profiles === 0 ? 0 : Math.floor((BAR_CHARACTERS * profiles) / all) - done;
  const bar = `${styleText("green", "█".repeat(done))}${styleText("yellow", "▒".repeat(outstanding))}`;
  const rest = "·".repeat(Math.max(0, BAR_CHARACTERS - done - outstanding));
  return [
    `requests   ${number(requests.ended)} of ${number(requests.sent)} ended, ${number(requests.endedPerSecond)}/s    HTTP calls ${number(calls.all)}, ${number(calls.perSecond)}/s`,
    `customers  ${bar}${rest}  ${number(complete)} complete, ${number(profiles - complete)} outstanding, ${number(all - arrived)} to come`,
  ];
}

const secondsOf = (timeMs: number): string => (timeMs / 1000).toFixed(0);

/** A line that is too long would wrap, and push the board off the screen. */
const cut = (line: string): string =>
  stripVTControlCharacters(line).length <= BOARD_COLUMNS
    ? line
    : stripVTControlCharacters(line).slice(0, BOARD_COLUMNS);
