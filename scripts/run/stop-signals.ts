import { constants } from "node:os";

type StopSignal = "SIGINT" | "SIGTERM";

/**
 * The first SIGINT or SIGTERM asks to stop; the second one ends the process at once, with the exit code that shells give a signal.
 * Nothing is lost either way: what was not committed is processed again. `atOnce` comes before that end.
 */
export function onStopSignals(stop: (signal: StopSignal) => void, atOnce: () => void = () => undefined): () => void {
  let asked = false;
  const listener = (signal: StopSignal) => {
    if (asked) {
      atOnce();
      process.exit(128 + constants.signals[signal]);
    }
    asked = true;
    stop(signal);
  };
  process.on("SIGINT", listener).on("SIGTERM", listener);
  return () => process.off("SIGINT", listener).off("SIGTERM", listener);
}
