import type { StateDisk } from "../../state/disk.ts";
import type { Log } from "../log/port.ts";
import type { Clock } from "../time/clock.ts";
import type { Tracer } from "../trace/tracer.ts";
import type { CommitFunction } from "./commit.ts";
import type { JobEvent } from "./job-event.ts";

/** Everything a worker touches outside itself. The simulator hands in its own. */
export interface WorkerEnvironment {
  readonly log: Log;
  readonly disk: StateDisk;
  /** Names the disk: workers of one location find each other's state. */
  readonly location: string;
  readonly clock: Clock;
  /** Lets the event loop turn, so that heartbeats, sockets and other workers keep up. */
  turn(): Promise<void>;
  /** How tasks commit: `commit` of commit.ts, but for the simulator's mutants. */
  readonly commit: CommitFunction;
  /** @default nothing is traced */
  readonly tracer?: Tracer | undefined;
  readonly onEvent: (event: JobEvent) => void;
}
