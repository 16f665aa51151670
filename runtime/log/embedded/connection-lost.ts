import { MulgilError } from "../../../schemas/mulgil-error.ts";

export const connectionLost = (socketPath: string, cause?: unknown): MulgilError =>
  new MulgilError(
    `the process that owns the data directory went away (${socketPath}); what this call did is not known: run the command again, it opens the directory itself if nobody else does`,
    { code: "LOG_CONNECTION_LOST", cause },
  );
