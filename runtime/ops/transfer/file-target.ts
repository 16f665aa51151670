import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { MulgilError } from "../../../schemas/mulgil-error.ts";
import type { TransferRecord, TransferTarget } from "./transfer.ts";

/** Only for its owner: records are what customers did. */
const MODE = 0o600;

/** Writes lines to a file of its own. @throws {MulgilError} REPLAY_FILE from `open`, if the file is not the one that was left */
export function fileTarget(options: {
  /** Absolute. */
  readonly path: string;
  readonly linesOf: (records: readonly TransferRecord[]) => Promise<readonly string[]>;
}): TransferTarget {
  const { path, linesOf } = options;
  let file: FileHandle | undefined;
  let position = 0;
  return {
    async open(bytes) {
      // At the beginning the file was just made by whoever began, empty.
      file = await open(path, constants.O_RDWR | constants.O_CREAT, MODE).catch((error: Error) => {
        throw fileError(path, error.message, error);
      });
      const { size } = await file.stat();
      if (size < bytes) throw fileError(path, `it has ${size} bytes, and ${bytes} had been written when it was left`);
      await file.truncate(bytes);
      position = bytes;
    },
    async write(records) {
      const lines = await linesOf(records);
      if (lines.length === 0) return 0;
      const content = Buffer.from(`${lines.join("\n")}\n`);
      for (let written = 0; written < content.length; )
        written += (await file!.write(content, written, content.length - written, position + written)).bytesWritten;
      await file!.datasync();
      position += content.length;
      return content.length;
    },
    async close() {
      await file?.close();
      file = undefined;
    },
  };
}

/** Makes the file. @throws {MulgilError} REPLAY_FILE if there is one, or none can be made */
export async function makeFile(path: string): Promise<void> {
  try {
    await (await open(path, "wx", MODE)).close();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw fileError(path, code === "EEXIST" ? "it exists already, and nothing is overwritten" : message, error);
  }
}

const fileError = (path: string, why: string, cause?: unknown): MulgilError =>
  new MulgilError(`cannot write to ${path}: ${why}; name another file, or put the one that was left in its place`, {
    code: "REPLAY_FILE",
    ...(cause !== undefined && { cause }),
  });
