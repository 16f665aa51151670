import { ArrayType, type InternalType, internalsOf, MapType, type Tap } from "./avro-internals.ts";

/**
 * Arrays and maps as avsc has them, for bytes that may be anything. avsc believes the count in front of a block and goes on
 * past the end of the buffer, where every item reads as empty: ten bytes of garbage can ask for 10^15 items. These stop at
 * the end of the buffer, and bound the count of items that take no bytes.
 */
const EMPTY_ITEMS_MAX = 65_536;

function blockSize(tap: Tap): number {
  let items = tap.readLong();
  if (items < 0) {
    items = -items;
    tap.readLong();
  }
  const remaining = tap.buf.length - tap.pos;
  if (items > Math.max(remaining, EMPTY_ITEMS_MAX))
    throw new RangeError(`a block claims ${items} items in ${remaining} bytes`);
  return items;
}

function assertInside(tap: Tap): void {
  if (tap.pos > tap.buf.length) throw new RangeError("truncated inside an array or a map");
}

function skipBlocks(tap: Tap, skipItem: () => void): void {
  for (let items = blockSize(tap); items > 0; items = blockSize(tap)) {
    for (; items > 0; items--) skipItem();
  }
}

export class BoundedArrayType extends ArrayType {
  // avsc also calls `_read` with a resolver as `this`: it too has an `itemsType`.
  _read(tap: Tap): unknown[] {
    const items = internalsOf(this.itemsType);
    const values: unknown[] = [];
    for (let left = blockSize(tap); left > 0; left = blockSize(tap)) {
      for (; left > 0; left--) {
        values.push(items._read(tap));
        assertInside(tap);
      }
    }
    return values;
  }

  _skip(tap: Tap): void {
    const items = internalsOf(this.itemsType);
    skipBlocks(tap, () => items._skip(tap));
  }
}

export class BoundedMapType extends MapType {
  _read(tap: Tap): Record<string, unknown> {
    const values: InternalType = internalsOf(this.valuesType);
    const entries: Record<string, unknown> = {};
    for (let left = blockSize(tap); left > 0; left = blockSize(tap)) {
      for (; left > 0; left--) {
        const key = tap.readString();
        const value = values._read(tap);
        assertInside(tap);
        if (key === "__proto__")
          Object.defineProperty(entries, key, { value, enumerable: true, configurable: true, writable: true });
        else entries[key] = value;
      }
    }
    return entries;
  }

  _skip(tap: Tap): void {
    const values = internalsOf(this.valuesType);
    skipBlocks(tap, () => {
      tap.skipString();
      values._skip(tap);
    });
  }
}
