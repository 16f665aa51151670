import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** What a process tells: one of several kinds of message. */
interface Message {
  readonly kind: string;
}

const ANSWER_MAX_MS = 180_000;
const LOOK_MS = 20;

/** A process of a benchmark: gets its settings as its argument, and sends messages. */
export class BenchProcess<M extends Message> {
  readonly messages: M[] = [];
  readonly #script: string;
  readonly #child: ChildProcess;

  constructor(script: string, settings: object) {
    this.#script = script;
    this.#child = fork(join(import.meta.dirname, script), [JSON.stringify(settings)], { stdio: "inherit" });
    this.#child.on("message", (message) => this.messages.push(message as M));
  }

  /** The first message of a kind that fits. @throws {Error} if the process ends without it, or minutes pass */
  async first<K extends M["kind"]>(
    kind: K,
    fits: (message: Extract<M, { kind: K }>) => boolean = () => true,
  ): Promise<Extract<M, { kind: K }>> {
    const deadlineMs = performance.now() + ANSWER_MAX_MS;
    for (;;) {
      const hasEnded = this.#hasEnded;
      const found = this.messages.find(
        (message): message is Extract<M, { kind: K }> =>
          message.kind === kind && fits(message as Extract<M, { kind: K }>),
      );
      if (found !== undefined) return found;
      if (hasEnded) throw new Error(`${this.#script} ended without "${kind}"`);
      if (performance.now() > deadlineMs) throw new Error(`${this.#script} has not sent "${kind}" for minutes`);
      await sleep(LOOK_MS);
    }
  }

  /** Has the process say something, if it is one that is asked. */
  ask(): void {
    this.#child.send({ kind: "ask" });
  }

  /** Waits for its end, which it comes to by itself. */
  async ended(): Promise<void> {
    if (!this.#hasEnded) await once(this.#child, "exit", { signal: AbortSignal.timeout(ANSWER_MAX_MS) });
  }

  /** kill -9, if it still runs. */
  async kill(): Promise<void> {
    if (this.#hasEnded) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
}

/** Uses a process, and leaves none behind. */
export async function withProcess<M extends Message, T>(
  child: BenchProcess<M>,
  use: (child: BenchProcess<M>) => Promise<T>,
): Promise<T> {
  try {
    return await use(child);
  } finally {
    await child.kill();
  }
}
