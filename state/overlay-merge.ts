/** An entry of an overlay under its LevelDB key; without an item it hides what LevelDB has there. */
export interface OverlayItem<T> {
  readonly bytes: Buffer;
  readonly item: T | undefined;
}

/** The overlay laid over the entries of LevelDB, in the order of keys. */
export async function* mergeOverlay<T>(
  overlay: OverlayItem<T>[],
  disk: AsyncIterable<readonly [key: Buffer, value: Buffer]>,
  decode: (key: Buffer, value: Buffer) => T,
): AsyncGenerator<T> {
  overlay.sort((a, b) => a.bytes.compare(b.bytes));
  let next = 0;
  for await (const [key, value] of disk) {
    for (; next < overlay.length && overlay[next]!.bytes.compare(key) < 0; next++) {
      const { item } = overlay[next]!;
      if (item !== undefined) yield item;
    }
    const isHidden = next < overlay.length && overlay[next]!.bytes.equals(key);
    if (!isHidden) yield decode(key, value);
  }
  for (; next < overlay.length; next++) {
    const { item } = overlay[next]!;
    if (item !== undefined) yield item;
  }
}
