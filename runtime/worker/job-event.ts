import type { LogFields, LogLevel } from "../dsl/step-log.ts";
import type { Gap } from "./start-positions.ts";
import type { WantedStatus } from "./worker-orders.ts";

/** What happens to a job, for logs and progress displays. Never holds a payload. */
export type JobEvent =
  | {
      readonly kind: "assigned";
      readonly job: string;
      readonly worker: string;
      readonly tasks: readonly string[];
      readonly generation: number;
    }
  | {
      readonly kind: "restoring";
      readonly job: string;
      readonly task: string;
      readonly store: string;
      /** Offsets of the changelog behind, and in all, from where the restore began. */
      readonly done: number;
      readonly total: number;
      /** It becomes a copy of what another worker runs. */
      readonly standby?: true;
      readonly recordsPerSecond: number;
      readonly timeLeftMs: number;
    }
  | {
      readonly kind: "restored";
      readonly job: string;
      readonly task: string;
      readonly store: string;
      readonly entries: number;
      readonly reason: string;
      readonly standby?: true;
    }
  | {
      readonly kind: "quarantined";
      readonly job: string;
      readonly task: string;
      readonly store: string;
      readonly path: string;
      readonly reason: string;
    }
  | { readonly kind: "running"; readonly job: string; readonly task: string }
  | { readonly kind: "closed"; readonly job: string; readonly task: string }
  | { readonly kind: "restarting"; readonly job: string; readonly task: string; readonly error: unknown }
  /**
   * A record needs a schema that no worker of this process knows yet, and the registry does not give it: the record and what is behind it waits, the rest
   * goes on. Told once, and again for another reason, with "schemaFound" at the end.
   */
  | { readonly kind: "schemaAwaited"; readonly job: string; readonly schema: number; readonly error: unknown }
  /** The registry has answered, be it that there is no such schema. */
  | { readonly kind: "schemaFound"; readonly job: string; readonly schema: number; readonly waitedMs: number }
  | {
      readonly kind: "deadLetter";
      readonly job: string;
      readonly task: string;
      readonly step: string;
      readonly code: string;
      readonly topic: string | undefined;
      readonly partition: number | undefined;
      readonly offset: number | undefined;
      /** If the record is traced. */
      readonly traceId: string | undefined;
    }
  /** What a job's own function wrote with `context.log`. */
  | {
      readonly kind: "log";
      readonly job: string;
      readonly task: string;
      readonly step: string;
      readonly level: LogLevel;
      readonly message: string;
      readonly fields: LogFields | undefined;
      readonly topic: string | undefined;
      readonly partition: number | undefined;
      readonly offset: number | undefined;
      /** If the record is traced. */
      readonly traceId: string | undefined;
    }
  | { readonly kind: "standbyFailed"; readonly job: string; readonly task: string; readonly error: unknown }
  /** What its workers know of institutions does not reach the others for now; each goes on by itself, and tries again. */
  | { readonly kind: "circuitsUnshared"; readonly job: string; readonly worker: string; readonly error: unknown }
  /** Somebody wants something else of the job than before; told when a process hears of it, also at its start. */
  | {
      readonly kind: "ordered";
      readonly job: string;
      readonly status: WantedStatus;
      readonly by: string;
      readonly why: string;
    }
  /** Orders for the job do not reach this process for now: it goes on as it is, and tries again. */
  | { readonly kind: "ordersUnread"; readonly job: string; readonly error: unknown }
  /** What a task would have read next was not there, and it goes on elsewhere, as the source says. Told again if it starts again before it commits. */
  | ({ readonly kind: "gap"; readonly job: string; readonly task: string } & Gap)
  | { readonly kind: "lost"; readonly job: string; readonly worker: string };
