import type { CallItem } from "./call-item.ts";

/** What becomes of a record that is taken up. */
export type Arrival =
  /** Its call may begin. */
  | "starts"
  /** It waits for others in memory or in state. */
  | "waits"
  /** A later one has succeeded, or it is here twice: there is nothing to do for it. */
  | "superseded"
  /** As many wait behind its key's unfinished one as may. */
  | "full"
  /** Its turn has not come, and there is no room for it in memory: to a tier. */
  | "noRoom";

/** In which order the records of one order key are called. What a method has `host` do happens in the same turn. */
export interface CallOrder {
  arrive(item: CallItem): Arrival;
  /** Asked when its call is about to begin, and when that has succeeded. */
  isSuperseded(item: CallItem): boolean;
  /** It has ended, and goes nowhere else. */
  ended(item: CallItem, hasSucceeded: boolean): void;
  /** It goes to a tier. */
  away(item: CallItem): void;
  /** All records that were under way before a restart have been read again. */
  resumed(): void;
}

export interface CallOrderHost {
  /** Its turn has come. */
  start(item: CallItem): void;
  /** It lies in state now, or ended: its input need not keep it. */
  release(item: CallItem): void;
  /** Whether it may wait in memory. */
  hasRoom(item: CallItem): boolean;
}

/** All at once. */
export const unordered: CallOrder = {
  arrive: () => "starts",
  isSuperseded: () => false,
  ended: () => undefined,
  away: () => undefined,
  resumed: () => undefined,
};
