import type { Receive } from "./operator.ts";

const nowhere: Receive = () => {};

/** One receiver that calls all, one after the other. */
export function fanOut(receivers: readonly Receive[]): Receive {
  const [first, second] = receivers;
  if (first === undefined) return nowhere;
  if (second === undefined) return first;
  if (receivers.length === 2) {
    return (key, value, timestampMs) => {
      first(key, value, timestampMs);
      second(key, value, timestampMs);
    };
  }
  return (key, value, timestampMs) => {
    for (let n = 0; n < receivers.length; n++) receivers[n]!(key, value, timestampMs);
  };
}
