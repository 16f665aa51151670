import { MulgilError } from "../../../schemas/mulgil-error.ts";
import type { Clock } from "../../time/clock.ts";
import type { Failure } from "./facts.ts";

export type Attempted<T> = { readonly result: T } | { readonly failure: Failure };

/** Looks at things of which any may fail, be forbidden or never answer, and goes on without those. */
export class Attempts {
  readonly failures: Failure[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What came of it, or the fallback. */
  async orElse<T>(fallback: T, what: string, attempt: () => Promise<T>): Promise<T> {
    try {
      return await attempt();
    } catch (error) {
      this.failures.push(failureOf(what, error));
      return fallback;
    }
  }

  /** For who tells of the failure himself. What goes on behind the bound has no effect. */
  async within<T>(maxMs: number, what: string, attempt: () => Promise<T>): Promise<Attempted<T>> {
    const bound = new AbortController();
    const late = this.#clock.sleep(maxMs, bound.signal).then(
      (): Attempted<T> => ({
        failure: { what, code: "NO_ANSWER", message: `could not ${what}: no answer within ${maxMs / 1_000} s` },
      }),
    );
    const asked = attempt().then(
      (result): Attempted<T> => ({ result }),
      (error: unknown): Attempted<T> => ({ failure: failureOf(what, error) }),
    );
    const first = await Promise.race([asked, late]);
    bound.abort();
    return first;
  }
}

function failureOf(what: string, error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  return { what, code: error instanceof MulgilError ? error.code : "UNEXPECTED", message };
}
