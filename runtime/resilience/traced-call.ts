import type { Span } from "../trace/tracer.ts";
import type { Attempted, RefusalReason } from "./attempt.ts";

/** Ends the span of a call with what came of it. Without payloads: reasons that handlers give are texts of theirs. */
export async function traced(span: Span, call: Promise<Attempted>): Promise<Attempted> {
  const attempted = await call;
  if (attempted.called) {
    const { outcome } = attempted;
    const error = outcome.kind === "retry" ? outcome.failure : outcome.kind === "dead" ? outcome.code : undefined;
    span.end({ "mulgil.outcome": outcome.kind }, error);
  } else if ("refusal" in attempted) endUncalled(span, attempted.refusal.reason);
  else span.end({ "mulgil.outcome": "aborted" });
  return attempted;
}

/** Nobody was called, and the record waits. */
export const endUncalled = (span: Span | undefined, reason: RefusalReason | "no-room"): void =>
  span?.end({ "mulgil.outcome": "wait", "mulgil.wait.reason": reason });
