import { Buffer } from "node:buffer";
import type { Behaviour } from "./behaviour.ts";
import { hashOf } from "./random-of.ts";
import { RefusedRequest } from "./refused-request.ts";
import { responseCode } from "./response-code.ts";

interface Cursor {
  readonly offset: number;
  /** The page comes the second time. */
  readonly isRepeat: boolean;
}

export interface PageRequest {
  readonly limit: number;
  /** Absent: the first page. */
  readonly cursor: string | undefined;
  /** What the pages are of: a cursor is good for this only. */
  readonly subject: string;
}

export interface Page {
  readonly items: readonly object[];
  readonly next: string | null;
}

/** Cuts a page out of a list. @throws {RefusedRequest} 40003 */
export function pageOf(
  items: readonly object[],
  { limit, cursor, subject }: PageRequest,
  { cursors, pageItemsMax }: Pick<Behaviour, "cursors" | "pageItemsMax">,
): Page {
  const { offset, isRepeat } = cursor === undefined ? { offset: 0, isRepeat: false } : parse(cursor, subject);
  const end = offset + Math.min(limit, pageItemsMax);
  return {
    items: items.slice(offset, end),
    next: nextOf(),
  };

  function nextOf(): string | null {
    if (cursors === "duplicated" && !isRepeat) return format({ offset, isRepeat: true }, subject);
    if (end < items.length) return format({ offset: end, isRepeat: false }, subject);
    return cursors === "looping" ? format({ offset: 0, isRepeat: false }, subject) : null;
  }
}

function format({ offset, isRepeat }: Cursor, subject: string): string {
  const content = `${offset}.${isRepeat ? 1 : 0}`;
  return Buffer.from(`${content}.${check(content, subject)}`).toString("base64url");
}

function parse(text: string, subject: string): Cursor {
  const [offset, repeat, sum] = Buffer.from(text, "base64url").toString("latin1").split(".");
  if (sum !== check(`${offset}.${repeat}`, subject))
    throw new RefusedRequest(responseCode.badCursor, "next_page is not a cursor of this query");
  return { offset: Number(offset), isRepeat: repeat === "1" };
}

const check = (content: string, subject: string): string => hashOf(content, subject).toString(36);
