/**
 * A dead letter, as a function sees it that mends it for `mulgil dlq redrive --transform`. Times are ISO 8601, UTC.
 */
export interface TransformedLetter {
  /** As JSON: decimals are texts with all their digits. Undefined where the bytes cannot be decoded; null is a tombstone. */
  readonly value: unknown;
  /** As JSON. A change of it has no effect: the record goes back to the partition that it came from. */
  readonly key: unknown;
  /** The value's bytes. */
  readonly bytes: Buffer | null;
  /** Those of the record, as texts. */
  readonly headers: Readonly<Record<string, string>>;
  readonly code: string;
  readonly message: string;
  readonly step: string;
  /** When it came to the DLQ. */
  readonly timestamp: string;
  readonly source: {
    readonly topic: string;
    readonly partition: number;
    readonly offset: number;
    readonly timestamp: string;
  };
  readonly attempts: number | undefined;
}

/**
 * What a file for `mulgil dlq redrive --transform` exports by default: gives the letter with the value that the record is to have, or null to leave it in the DLQ.
 * Where it throws, the letter stays, too. It is called once for each letter of the sample that is shown first, and again when the letter goes back; so it must
 * have no effect but its result.
 * The value is written with the schema that it had; where that has no such fields, or the value could not be decoded, with the newest of the source topic.
 *
 * @example
 * ```ts
 * import type { LetterTransform } from "mulgil";
 *
 * const mend: LetterTransform = (letter) => {
 *   const value = letter.value as { amount: string };
 *   return { ...letter, value: { ...value, amount: value.amount.replace(",", ".") } };
 * };
 * export default mend;
 * ```
 */
export type LetterTransform = (
  letter: TransformedLetter,
) => Pick<TransformedLetter, "value"> | null | Promise<Pick<TransformedLetter, "value"> | null>;
