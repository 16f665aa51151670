import type { KeptEntry, Side } from "./kept-entry.ts";

/** A record that stands for what a topic says of a thing. */
export interface Said {
  readonly partition: number;
  readonly offset: number;
  /** How many records of the topic say it. */
  readonly times: number;
}

/** What the two topics say of a thing; undefined if one says nothing. */
export interface Verdict {
  readonly left: Said | undefined;
  readonly right: Said | undefined;
  readonly isEqual: boolean;
  /** What could not be decoded, and was compared as bytes. */
  readonly undecoded: Readonly<Record<Side, number>>;
  /** The key lies in several partitions of the topic: what it says is what its youngest record says. */
  readonly isScattered: Readonly<Record<Side, boolean>>;
}

/** The latest value of a key in each topic. A tombstone says nothing. */
export function verdictOnLatest(entries: readonly KeptEntry[]): Verdict {
  const lefts = entries.filter(({ side }) => side === "left");
  const rights = entries.filter(({ side }) => side === "right");
  const [left, right] = [latest(lefts), latest(rights)];
  return {
    ...{ left, right, isEqual: left !== undefined && right !== undefined && left.digest.equals(right.digest) },
    undecoded: { left: left?.isDecoded === false ? 1 : 0, right: right?.isDecoded === false ? 1 : 0 },
    isScattered: { left: lefts.length > 1, right: rights.length > 1 },
  };
}

/** Of partitions, the later timestamp decides; then the larger number, so that it is always the same. */
function latest(entries: readonly KeptEntry[]): KeptEntry | undefined {
  const found = entries.reduce<KeptEntry | undefined>(
    (best, entry) => (best === undefined || entry.timestampMs >= best.timestampMs ? entry : best),
    undefined,
  );
  return found?.isTombstone === true ? undefined : found;
}

/** A key with a value has to occur as often in the one as in the other. */
export function verdictOnOccurrences(entries: readonly KeptEntry[]): Verdict {
  const left = summed(entries.filter(({ side }) => side === "left"));
  const right = summed(entries.filter(({ side }) => side === "right"));
  const undecoded = (said: (Said & { isDecoded: boolean }) | undefined) => (said?.isDecoded === false ? said.times : 0);
  return {
    ...{ left, right, isEqual: left?.times === right?.times },
    undecoded: { left: undecoded(left), right: undecoded(right) },
    isScattered: { left: false, right: false },
  };
}

function summed(entries: readonly KeptEntry[]): (Said & { readonly isDecoded: boolean }) | undefined {
  const [first] = entries;
  if (first === undefined) return undefined;
  const { partition, offset, isDecoded } = first;
  return { partition, offset, isDecoded, times: entries.reduce((sum, { times }) => sum + times, 0) };
}
