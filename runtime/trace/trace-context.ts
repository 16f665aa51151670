/** Where in a trace somebody is: what W3C's `traceparent` says. */
export interface TraceContext {
  readonly traceId: string;
  readonly spanId: string;
  /** The trace is recorded. */
  readonly isSampled: boolean;
}

/** https://www.w3.org/TR/trace-context/ */
export const TRACEPARENT = "traceparent";
export const TRACESTATE = "tracestate";

const FORM = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const NO_TRACE = "0".repeat(32);
const NO_SPAN = "0".repeat(16);
/** A header that is longer is none: it is not read. */
const BYTES_MAX = 512;

/** Undefined for what is no such header: anybody may have written it. */
export function parseTraceparent(header: Buffer): TraceContext | undefined {
  if (header.length > BYTES_MAX) return undefined;
  const [, version, traceId, spanId, flags, more] = FORM.exec(header.toString("latin1")) ?? [];
  if (version === undefined || version === "ff" || traceId === NO_TRACE || spanId === NO_SPAN) return undefined;
  // Only later versions of the format may say more.
  if (version === "00" && more !== undefined) return undefined;
  return { traceId: traceId!, spanId: spanId!, isSampled: (Number.parseInt(flags!, 16) & 1) === 1 };
}

export const traceparentOf = ({ traceId, spanId, isSampled }: TraceContext): string =>
  `00-${traceId}-${spanId}-${isSampled ? "01" : "00"}`;
