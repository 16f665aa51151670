/** The side of a process that BenchProcess has started: it ends when whoever started it does. */
export function settingsFromParent<T>(): T {
  process.once("disconnect", () => process.exit(1));
  return JSON.parse(process.argv[2]!) as T;
}

/** Messages that were sent arrive before the process ends. */
export function send(message: object): void {
  process.send!(message);
}

/** Nothing more will be sent. */
export function finish(): void {
  process.removeAllListeners("disconnect");
  process.disconnect();
}
