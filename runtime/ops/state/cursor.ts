import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { MulgilError } from "../../../schemas/mulgil-error.ts";

/** Of what a cursor goes on in. */
export interface CursorPlace {
  /** Of the changelog: no answer of a worker tells it, and all who may own the task know it. */
  readonly incarnation: string;
  readonly store: string;
  readonly task: string;
}

const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Where a page ends, for whoever asks for the next: a key of the store, which may be personal, so that it is sealed. It means the same to the next owner of
 * the task.
 */
export function sealCursor(place: CursorPlace, key: Buffer): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, secretOf(place), nonce, { authTagLength: TAG_BYTES });
  const sealed = Buffer.concat([cipher.update(key), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString("base64url");
}

/** @throws {MulgilError} STATE_QUERY if it is none of this store and task */
export function openCursor(place: CursorPlace, cursor: string): Buffer {
  try {
    const bytes = Buffer.from(cursor, "base64url");
    const decipher = createDecipheriv(CIPHER, secretOf(place), bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    throw new MulgilError(
      `"after" is no place in store "${place.store}" of task ${place.task}: give what the page before said, or begin again without it`,
      { code: "STATE_QUERY", cause },
    );
  }
}

const secretOf = ({ incarnation, store, task }: CursorPlace): Buffer =>
  createHash("sha256")
    .update(JSON.stringify(["mulgil cursor", incarnation, store, task]))
    .digest();
