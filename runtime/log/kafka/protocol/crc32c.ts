/** Bytes that take one step, with a table for each of them. */
const STEP_BYTES = 16;
const WORD_BYTES = Int32Array.BYTES_PER_ELEMENT;
const STEP_WORDS = STEP_BYTES / WORD_BYTES;
/** The table of a byte that n more follow in its step begins at n × 256. Castagnoli's polynomial, reflected. */
const TABLES = makeTables();
/** Words are read as the machine has them. */
const IS_LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

function makeTables(): Int32Array {
  const tables = new Int32Array(STEP_BYTES * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    tables[byte] = crc;
  }
  for (let at = 256; at < tables.length; at++) {
    const before = tables[at - 256]!;
    tables[at] = (before >>> 8) ^ tables[before & 0xff]!;
  }
  return tables;
}

/** The checksum of record batches, unsigned. All that is fetched and written goes through it: in words, for in bytes it takes thrice as long. */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  const firstWord = Math.min(end, start + (-(bytes.byteOffset + start) & (WORD_BYTES - 1)));
  const steps = IS_LITTLE_ENDIAN ? Math.floor((end - firstWord) / STEP_BYTES) : 0;
  let crc = addBytes(-1, bytes, start, firstWord);
  if (steps > 0) crc = addWords(crc, new Int32Array(bytes.buffer, bytes.byteOffset + firstWord, steps * STEP_WORDS));
  return ~addBytes(crc, bytes, firstWord + steps * STEP_BYTES, end) >>> 0;
}

function addBytes(before: number, bytes: Uint8Array, start: number, end: number): number {
  let crc = before;
  for (let at = start; at < end; at++) crc = TABLES[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return crc;
}

/** The look-ups of a step do not wait for each other, only for the step before. */
function addWords(before: number, words: Int32Array): number {
  let crc = before;
  for (let at = 0; at < words.length; at += STEP_WORDS) {
    const w0 = words[at]! ^ crc;
    const w1 = words[at + 1]!;
    const w2 = words[at + 2]!;
    const w3 = words[at + 3]!;
    crc =
      TABLES[0xf00 | (w0 & 0xff)]! ^
      TABLES[0xe00 | ((w0 >>> 8) & 0xff)]! ^
      TABLES[0xd00 | ((w0 >>> 16) & 0xff)]! ^
      TABLES[0xc00 | (w0 >>> 24)]! ^
      TABLES[0xb00 | (w1 & 0xff)]! ^
      TABLES[0xa00 | ((w1 >>> 8) & 0xff)]! ^
      TABLES[0x900 | ((w1 >>> 16) & 0xff)]! ^
      TABLES[0x800 | (w1 >>> 24)]! ^
      TABLES[0x700 | (w2 & 0xff)]! ^
      TABLES[0x600 | ((w2 >>> 8) & 0xff)]! ^
      TABLES[0x500 | ((w2 >>> 16) & 0xff)]! ^
      TABLES[0x400 | (w2 >>> 24)]! ^
      TABLES[0x300 | (w3 & 0xff)]! ^
      TABLES[0x200 | ((w3 >>> 8) & 0xff)]! ^
      TABLES[0x100 | ((w3 >>> 16) & 0xff)]! ^
      TABLES[w3 >>> 24]!;
  }
  return crc;
}
