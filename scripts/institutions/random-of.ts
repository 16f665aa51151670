import { SeededRandom } from "../../runtime/testing/seeded-random.ts";

/** A 32-bit number that is always the same for the same parts (FNV-1a, mixed). For spreading things, not for secrets. */
export function hashOf(...parts: readonly (string | number)[]): number {
  const text = parts.join("\u001f");
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Random numbers that belong to what the parts name. */
export const randomOf = (...parts: readonly (string | number)[]): SeededRandom => new SeededRandom(hashOf(...parts));

/** One number in [0, 1) that belongs to what the parts name. */
export const shareOf = (...parts: readonly (string | number)[]): number => hashOf(...parts) / 2 ** 32;
