/** How large the demo is, and how long its trouble lasts. Times are counted from the first customer. */
export interface DemoOptions {
  readonly customers: number;
  /** The time in which they arrive. */
  readonly arrivalsMs: number;
  /** When one of the institutions is down. */
  readonly outage: { readonly fromMs: number; readonly untilMs: number };
  /** Of customers, institutions and faults. */
  readonly seed: number;
}
