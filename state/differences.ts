export type Entry = readonly [key: Buffer, value: Buffer];

/** An entry that only one of two has, or that they have with other bytes. */
export interface Difference {
  /** As in LevelDB: see key-layout.ts. */
  readonly key: Buffer;
  /** undefined: the store has no such entry. */
  readonly stored: Buffer | undefined;
  /** undefined: a restore would bring none. */
  readonly replayed: Buffer | undefined;
}

/** What differs between two that are sorted by key. */
export async function* differencesBetween(
  stored: AsyncIterable<Entry>,
  replayed: AsyncIterable<Entry>,
): AsyncGenerator<Difference> {
  const left = stored[Symbol.asyncIterator]();
  const right = replayed[Symbol.asyncIterator]();
  try {
    let own = await next(left);
    let other = await next(right);
    while (own !== undefined || other !== undefined) {
      const order = orderOf(own, other);
      if (order < 0) yield { key: own![0], stored: own![1], replayed: undefined };
      else if (order > 0) yield { key: other![0], stored: undefined, replayed: other![1] };
      else if (!own![1].equals(other![1])) yield { key: own![0], stored: own![1], replayed: other![1] };
      if (order <= 0) own = await next(left);
      if (order >= 0) other = await next(right);
    }
  } finally {
    await Promise.all([left.return?.(), right.return?.()]);
  }
}

/** What has ended comes last. */
function orderOf(left: Entry | undefined, right: Entry | undefined): number {
  if (left === undefined) return 1;
  if (right === undefined) return -1;
  return left[0].compare(right[0]);
}

async function next(entries: AsyncIterator<Entry>): Promise<Entry | undefined> {
  const { value, done } = await entries.next();
  return done === true ? undefined : value;
}
