import { createLogUpdate } from "log-update";
import { boardLines, newsLine, progressLine } from "./board.ts";
import type { NewsItem } from "./news.ts";
import type { Situation } from "./situation.ts";

/** Shows how a demo goes on. */
export interface Show {
  /** How often it wants to be told. */
  readonly everyMs: number;
  situation(situation: Situation, latest: readonly NewsItem[]): void;
  /** The last one stays. */
  close(): void;
}

const LIVE_MS = 500;
const PLAIN_MS = 1_000;
const LINE_EVERY_MS = 5_000;

/** A board that stays in place on a terminal; elsewhere the news, and a line now and then. */
export const createShow = (stream: NodeJS.WriteStream): Show => (stream.isTTY ? liveBoard(stream) : plainLines(stream));

function liveBoard(stream: NodeJS.WriteStream): Show {
  const live = createLogUpdate(stream, { showCursor: true });
  return {
    everyMs: LIVE_MS,
    situation: (situation) => live(boardLines(situation).join("\n")),
    close: () => live.done(),
  };
}

function plainLines(stream: NodeJS.WriteStream): Show {
  let lineDueMs = 0;
  return {
    everyMs: PLAIN_MS,
    situation(situation, latest) {
      for (const item of latest) stream.write(`${newsLine(item)}\n`);
      if (situation.elapsedMs < lineDueMs) return;
      lineDueMs = situation.elapsedMs + LINE_EVERY_MS;
      stream.write(`${progressLine(situation)}\n`);
    },
    close: () => undefined,
  };
}
