import { type KeptEntry, keyOfThing, SIDES, type Side } from "./kept-entry.ts";
import type { Said, Verdict } from "./verdicts.ts";

export interface SideCounts {
  /** In the ranges. */
  readonly records: number;
  /** That have a value; or records, where these are compared. */
  readonly compared: number;
  /** Of those: what could not be decoded, and was compared as bytes. */
  readonly undecoded: number;
  /** Keys that lie in several partitions. */
  readonly scattered: number;
}

export interface TopicDifference {
  readonly key: Buffer | null;
  readonly left: Said | undefined;
  readonly right: Said | undefined;
}

export interface Tallied {
  readonly left: SideCounts;
  readonly right: SideCounts;
  /** Keys, or records, that both have alike. */
  readonly equal: number;
  /** Keys with another value. */
  readonly different: number;
  readonly onlyLeft: number;
  readonly onlyRight: number;
  /** Keys, or keys with a value, of which the two do not say the same. */
  readonly differing: number;
  /** The first of them, in the order of their keys. */
  readonly differences: readonly TopicDifference[];
}

/** Counts what verdicts come to, and keeps the first differences. */
export class Tally {
  readonly #records: Readonly<Record<Side, number>>;
  readonly #differencesMax: number;
  readonly #verdictOn: (entries: readonly KeptEntry[]) => Verdict;
  readonly #sides = { left: noCounts(), right: noCounts() };
  readonly #differences: TopicDifference[] = [];
  #equal = 0;
  #different = 0;
  #onlyLeft = 0;
  #onlyRight = 0;
  #differing = 0;

  constructor(
    records: Readonly<Record<Side, number>>,
    differencesMax: number,
    verdictOn: (entries: readonly KeptEntry[]) => Verdict,
  ) {
    this.#records = records;
    this.#differencesMax = differencesMax;
    this.#verdictOn = verdictOn;
  }

  count(thing: Buffer, entries: readonly KeptEntry[]): void {
    const verdict = this.#verdictOn(entries);
    const { left, right, isEqual } = verdict;
    for (const side of SIDES) {
      const counts = this.#sides[side];
      counts.compared += verdict[side]?.times ?? 0;
      counts.undecoded += verdict.undecoded[side];
      counts.scattered += verdict.isScattered[side] ? 1 : 0;
    }
    this.#countAs(left?.times ?? 0, right?.times ?? 0, isEqual);
    if (isEqual || (left ?? right) === undefined) return;
    if (++this.#differing > this.#differencesMax) return;
    this.#differences.push({ key: keyOfThing(thing), left: left && said(left), right: right && said(right) });
  }

  /** A thing that both have the same number of times can only differ in its value. */
  #countAs(left: number, right: number, isEqual: boolean): void {
    const both = Math.min(left, right);
    if (isEqual || left !== right) this.#equal += both;
    else this.#different += both;
    this.#onlyLeft += left - both;
    this.#onlyRight += right - both;
  }

  get result(): Tallied {
    return {
      left: { records: this.#records.left, ...this.#sides.left },
      right: { records: this.#records.right, ...this.#sides.right },
      equal: this.#equal,
      different: this.#different,
      onlyLeft: this.#onlyLeft,
      onlyRight: this.#onlyRight,
      differing: this.#differing,
      differences: this.#differences,
    };
  }
}

const noCounts = () => ({ compared: 0, undecoded: 0, scattered: 0 });

const said = ({ partition, offset, times }: Said): Said => ({ partition, offset, times });
