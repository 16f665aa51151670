import { type ErrorContext, MulgilError } from "../../../schemas/mulgil-error.ts";
import { TaskMigratedError } from "../../errors/errors.ts";

/** An error as it crosses the socket: what callers act on survives. */
export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly code: string | undefined;
  readonly context: ErrorContext;
}

export function toWireError(error: unknown): WireError {
  if (error instanceof MulgilError) {
    return { name: error.name, message: error.message, code: error.code, context: error.context };
  }
  if (error instanceof Error) return { name: error.name, message: error.message, code: undefined, context: {} };
  return { name: "Error", message: String(error), code: undefined, context: {} };
}

export function fromWireError({ name, message, code, context }: WireError): Error {
  if (name === "TypeError") return new TypeError(message);
  if (code === undefined) return Object.assign(new Error(message), { name });
  const options = { code, context };
  return name === "TaskMigratedError" ? new TaskMigratedError(message, options) : new MulgilError(message, options);
}
