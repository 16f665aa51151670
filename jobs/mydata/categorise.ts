import type { Direction } from "../../schemas/types/mydata/collected-record.ts";

/** A category, for a text that has one of the words; without words, for any text. */
export interface ClassificationRule {
  readonly category: string;
  readonly words: readonly string[];
  /** Only for money that goes this way. */
  readonly direction?: string;
}

/** Money that only changes its place: it is neither earned nor spent. */
export const NEUTRAL_CATEGORY = "transfer";

/** The category of the first rule that fits. */
export function categoryOf(rules: readonly ClassificationRule[], text: string, direction: Direction): string {
  const words = new Set(text.toUpperCase().split(/[^\p{L}\p{N}]+/u));
  const fits = (rule: ClassificationRule) =>
    (rule.direction === undefined || rule.direction === direction) &&
    (rule.words.length === 0 || rule.words.some((word) => words.has(word)));
  return rules.find(fits)?.category ?? "other";
}

/** Who was paid: the text without numbers of branches and bookings, which change from one payment to the next. */
export function payeeOf(text: string): string {
  const words = text
    .toUpperCase()
    .split(/\s+/)
    .filter((word) => word !== "" && !/^[\d#*-]+$/.test(word));
  return words.length === 0 ? text.trim() : words.join(" ");
}
