import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Digest } from "../../schemas/masker.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";

/** As many bytes as the digests have bits of safety against whoever tries out keys. */
const KEY_BYTES_MIN = 16;
const DIGITS = 16;

/**
 * How fields with the rule "hash" are shown: with an HMAC, because phone numbers and the like are so few that a plain hash of each can be tried out.
 * Undefined without a key file; they are then masked.
 * @throws {MulgilError} PII_KEY_FILE
 */
export function digestWith(keyFile: string | undefined): Digest | undefined {
  if (keyFile === undefined || keyFile === "") return undefined;
  const key = contentOf(keyFile);
  if (key.length < KEY_BYTES_MIN)
    throw wrongFile(`${keyFile} has ${key.length} bytes, and a key at least ${KEY_BYTES_MIN}`);
  return (text) => createHmac("sha256", key).update(text).digest("hex").slice(0, DIGITS);
}

function contentOf(file: string): Buffer {
  try {
    const content = readFileSync(file);
    // An editor's last line break is no part of the key.
    return Buffer.from(content.toString("latin1").trimEnd(), "latin1");
  } catch (error) {
    throw wrongFile(`${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`, error);
  }
}

const wrongFile = (what: string, cause?: unknown): MulgilError =>
  new MulgilError(`MULGIL_PII_KEY_FILE: ${what}: name a file with random bytes, for its owner only`, {
    code: "PII_KEY_FILE",
    cause,
  });
