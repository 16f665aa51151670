import { MulgilError, type MulgilErrorOptions } from "../../schemas/mulgil-error.ts";

/** The outcome of a transaction is unknown: open the producer again, read the committed offsets, and compare. */
export class IndefiniteTransactionError extends MulgilError {
  constructor(message: string, options: Partial<MulgilErrorOptions> = {}) {
    super(message, { ...options, code: options.code ?? "LOG_INDEFINITE" });
  }
}
