import { InvalidArgumentError } from "commander";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { parseStartPosition } from "../read/start-position.ts";

/** A time that holds for both topics, in ms; undefined for their ends. */
export function timeBound(end: "earliest" | "latest"): (text: string) => number | undefined {
  return (text) => {
    const position = positionOf(text);
    if (position?.kind === "spec") {
      if (position.spec === end) return undefined;
      if (typeof position.spec === "object") return position.spec.atOrAfterMs;
    }
    throw new InvalidArgumentError(
      `Write ${end}, a time like 2026-03-01T09:00:00Z, or a duration ago like 10m: the same offset is another record in each topic.`,
    );
  };
}

/** Undefined for what is none: what is allowed here is less, and said here. */
function positionOf(text: string): ReturnType<typeof parseStartPosition> | undefined {
  try {
    return parseStartPosition(text, systemClock.now());
  } catch (error) {
    if (error instanceof InvalidArgumentError) return undefined;
    throw error;
  }
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** "updatedAt,address.changedAt"; may be given several times. */
export function fieldPaths(text: string, before: readonly string[] = []): readonly string[] {
  const paths = text.split(",").map((path) => path.trim());
  if (!paths.every((path) => path.split(".").every((name) => NAME.test(name)))) {
    throw new InvalidArgumentError(
      "Write names of fields, joined by dots and without indices or names of map entries, like updatedAt,cards.changedAt.",
    );
  }
  return [...new Set([...before, ...paths])];
}
