import { isUtf8 } from "node:buffer";

/** Bytes that are no text, or that could not be decoded. */
export interface BytesView {
  readonly $bytes: string;
  /** Where the bytes are not shown: how many there are. */
  readonly $length?: number;
  readonly $error?: string;
}

export const bytesView = (bytes: Buffer): BytesView => ({ $bytes: bytes.toString("base64") });

/** Zero bytes are valid UTF-8, but no text has them: such bytes are a number of unknown type. */
export const textView = (bytes: Buffer): string | BytesView =>
  isUtf8(bytes) && !bytes.includes(0) ? bytes.toString("utf8") : bytesView(bytes);
