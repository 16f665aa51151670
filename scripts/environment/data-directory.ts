import { existsSync } from "node:fs";
import path from "node:path";
import { openDataDirectory } from "../../runtime/log/embedded/data-directory.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";

export type DataDirectory = Awaited<ReturnType<typeof openDataDirectory>>;

/** Opens a data directory for as long as `use` takes; as a guest of the process that has it, if there is one. */
export async function withDataDirectory<T>(folder: string, use: (directory: DataDirectory) => Promise<T>): Promise<T> {
  const directory = await openDataDirectory(path.resolve(folder), { clock: systemClock });
  try {
    return await use(directory);
  } finally {
    await directory.close();
  }
}

/** For commands that only look: they make no folder where there is none. @throws {MulgilError} DATA_DIR_MISSING */
export function assertDataDirectory(folder: string): void {
  if (existsSync(folder)) return;
  throw new MulgilError(
    `there is no data in ${folder}: mulgil write and mulgil run create it; name another folder with --data-dir`,
    {
      code: "DATA_DIR_MISSING",
    },
  );
}
