import type { InputProgress } from "./input-progress.ts";
import type { Address, Parcel } from "./parcel.ts";

/** Where a record lies that is taken up, and so what has to be noted when it has ended. */
export type Origin =
  | {
      readonly kind: "input";
      readonly progress: InputProgress;
      /** In the input, which may be a tier. */
      readonly offset: number;
      readonly isTier: boolean;
      /** When it came to its tier, and when its time there is over. */
      readonly tier?: { readonly appendedMs: number; readonly dueMs: number } | undefined;
      /** It was under way before a restart. */
      readonly isResumed: boolean;
    }
  | { readonly kind: "held"; readonly orderKey: string; readonly sequence: number };

/** A record that a call has taken up, until it has ended or travels on. */
export interface CallItem {
  readonly origin: Origin;
  readonly parcel: Parcel;
  readonly address: Address;
  /** As the steps in front made them. */
  readonly key: unknown;
  readonly value: unknown;
  readonly timestampMs: number;
  /** What makes it later than another one; higher is later. */
  readonly version: number;
  /** Ends its call: its subject is to be forgotten, or the task is given up. Made when the call begins. */
  abort: AbortController | undefined;
}

export const isFromTier = ({ origin }: CallItem): boolean => origin.kind === "input" && origin.isTier;

/** The record, whatever it has been through: where it lay first. */
export const isSameRecord = (
  left: Pick<Parcel, "topic" | "offset">,
  right: Pick<Parcel, "topic" | "offset">,
): boolean => left.topic === right.topic && left.offset === right.offset;
