import { randomUUID } from "node:crypto";
import { MulgilError } from "../../../schemas/mulgil-error.ts";
import type { VerifyProgress } from "../../../state/verify-store.ts";
import { type LocalState, storeOfStep } from "./local-state.ts";
import { type VerificationReport, verificationReport } from "./verification-report.ts";
import { verifyTaskStore } from "./verify-task-store.ts";

export interface VerificationRequest {
  readonly job: string;
  readonly store: string;
  readonly task: string;
  readonly recordsPerSecond: number;
  /** Tells the entries that differ, and not only hashes of their keys. Whoever sets it has written to the audit trail who looks at what, and why. */
  readonly reveals: boolean;
}

/**
 * A verification in the background:
 *
 *   waiting ──► running ──► done
 *      └───────────┴──────► failed
 */
export type Verification = { readonly id: string } & (
  | { readonly status: "waiting" }
  | { readonly status: "running"; readonly progress: VerifyProgress | undefined }
  | { readonly status: "done"; readonly report: VerificationReport }
  | { readonly status: "failed"; readonly error: { readonly code: string; readonly message: string } }
);

interface Entry {
  readonly abort: AbortController;
  standing: Verification;
  askedAtMs: number;
}

/** Whoever waits for one asks; one that nobody asks for any more ends. */
const UNASKED_MAX_MS = 30_000;
const REMEMBERED_MAX = 64;

/** Verifications of stores in this process: one after the other, so that they cost no more than one. */
export class Verifications {
  readonly #state: LocalState;
  readonly #entries = new Map<string, Entry>();
  #last: Promise<void> = Promise.resolve();

  constructor(state: LocalState) {
    this.#state = state;
  }

  /** @throws {MulgilError} STATE_TASK_ABSENT, STATE_STORE_UNKNOWN, STATE_VERIFICATIONS_MAX */
  start(request: VerificationRequest): Verification {
    this.#state.running(request.job, request.store, request.task);
    this.#forgetEnded();
    const { clock } = this.#state.environment;
    const id = randomUUID();
    const entry: Entry = {
      abort: new AbortController(),
      standing: { id, status: "waiting" },
      askedAtMs: clock.now(),
    };
    this.#entries.set(id, entry);
    this.#last = this.#last.then(() => this.#run(entry, request));
    return entry.standing;
  }

  /** Undefined if there is none, or it ended long ago. */
  find(id: string): Verification | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    entry.askedAtMs = this.#state.environment.clock.now();
    return entry.standing;
  }

  /** Ends one that is waiting or running; what it has built beside the store is removed. */
  cancel(id: string): Verification | undefined {
    const entry = this.#entries.get(id);
    entry?.abort.abort(cancelled());
    return entry?.standing;
  }

  #forgetEnded(): void {
    for (const [id, { standing }] of this.#entries) {
      if (this.#entries.size < REMEMBERED_MAX) return;
      if (standing.status === "done" || standing.status === "failed") this.#entries.delete(id);
    }
    if (this.#entries.size < REMEMBERED_MAX) return;
    throw new MulgilError(
      `${REMEMBERED_MAX} verifications wait in this process already: wait for them, or cancel some`,
      { code: "STATE_VERIFICATIONS_MAX" },
    );
  }

  /** Never rejects. */
  async #run(entry: Entry, request: VerificationRequest): Promise<void> {
    const { id } = entry.standing;
    try {
      entry.abort.signal.throwIfAborted();
      entry.standing = { id, status: "running", progress: undefined };
      entry.standing = { id, status: "done", report: await this.#verify(entry, request) };
    } catch (thrown) {
      const { signal } = entry.abort;
      const error = signal.aborted ? (signal.reason as MulgilError) : thrown;
      const code = error instanceof MulgilError ? error.code : "STATE_VERIFY_FAILED";
      entry.standing = { id, status: "failed", error: { code, message: (error as Error).message } };
    }
  }

  async #verify(entry: Entry, { job, store, task, recordsPerSecond, reveals }: VerificationRequest) {
    const { log, clock, disk } = this.#state.environment;
    const { held, found } = this.#state.running(job, store, task);
    const planned = held.planned.find(({ name }) => name === store)!;
    const of = { ...storeOfStep(held.runtime, planned), planned };
    const result = await verifyTaskStore({
      ...{ log, clock, disk, task, of, recordsPerSecond },
      plan: held.runtime.plan,
      partition: held.partition,
      committed: found.store.committed,
      signal: entry.abort.signal,
      onProgress: (progress) => {
        entry.standing = { id: entry.standing.id, status: "running", progress };
        if (clock.now() - entry.askedAtMs > UNASKED_MAX_MS) this.cancel(entry.standing.id);
      },
    });
    return verificationReport(result, of, reveals ? undefined : await this.#state.maskOf(held.runtime, of));
  }
}

const cancelled = () =>
  new MulgilError("the verification was cancelled, or nobody waited for it any more", {
    code: "STATE_VERIFY_CANCELLED",
  });
