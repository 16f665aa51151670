import { InvalidArgumentError, Option } from "commander";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { durationMs } from "../commands/options.ts";
import { parseStartPosition } from "../read/start-position.ts";

export const position = (flags: string, description: string): Option =>
  new Option(flags, description).argParser((text) => parseStartPosition(text, systemClock.now()));

export const several =
  <T>(read: (text: string) => T) =>
  (text: string, before: readonly T[] = []): readonly T[] => [...before, read(text)];

export function header(text: string): { readonly name: string; readonly value: string } {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("Write name=value, like source=branch-7.");
  return { name: text.slice(0, at), value: text.slice(at + 1) };
}

/** Records a second. */
export function rate(text: string): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)\s*\/\s*([a-z]+)$/i.exec(text.trim()) ?? [];
  const unitMs = unit === undefined ? undefined : durationMs(`1${unit}`);
  const perSecond = unitMs === undefined || unitMs === 0 ? 0 : (Number(count) * 1_000) / unitMs;
  if (perSecond > 0) return perSecond;
  throw new InvalidArgumentError("Write a number of records and a unit, like 500/s or 1000/min.");
}

export function replayId(text: string): string {
  if (/^[a-zA-Z0-9_-]{1,64}$/.test(text)) return text;
  throw new InvalidArgumentError("Give 1 to 64 letters, digits, - or _.");
}
