import { createHash } from "node:crypto";

const HEX_DIGITS = 8;

/** Tells keys apart where they must not be shown. Whoever has a key can find its hash; nobody reads a key from it, but short ones can be guessed. */
export const keyHash = (key: Buffer | null): string | undefined =>
  key === null ? undefined : createHash("sha256").update(key).digest("hex").slice(0, HEX_DIGITS);
