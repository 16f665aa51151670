import type { TraceContext } from "./trace-context.ts";

/** Which records are traced, decided before anything is made for them. */
export interface Sampling {
  /** Of records that have no trace: the share that begins one, 0 to 1. */
  readonly ratio: number;
  /** A record that has a trace is traced if that is. Otherwise the ratio decides there, too, by the id of the trace. */
  readonly isParentBased: boolean;
}

const WHOLE = 2 ** 32;
/** 2^32 divided by the golden ratio: its multiples lie evenly, so that of offsets one after the other every n-th is chosen. */
const SPREAD = 0x9e3779b1;
const TRACE_DIGITS = 13;

/** Whether a record without a trace begins one: by its place alone, so that it is decided the same way when it is processed again. */
export function beginsTrace({ ratio }: Sampling, partition: number, offset: number): boolean {
  if (ratio >= 1 || ratio <= 0) return ratio >= 1;
  return Math.imul((offset + Math.imul(partition + 1, SPREAD)) | 0, SPREAD) >>> 0 < ratio * WHOLE;
}

export function isSampled({ ratio, isParentBased }: Sampling, parent: TraceContext): boolean {
  if (isParentBased) return parent.isSampled;
  return Number.parseInt(parent.traceId.slice(-TRACE_DIGITS), 16) < ratio * 16 ** TRACE_DIGITS;
}
