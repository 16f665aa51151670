import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { levelDisk } from "../../state/level-disk.ts";
import { removeStaleState } from "../../state/stale-state.ts";
import type { Job } from "../dsl/define-job.ts";
import { openDataDirectory } from "../log/embedded/data-directory.ts";
import { lockDirectory } from "../log/embedded/lock-directory.ts";
import type { HttpOptions } from "../ops/http/access/http-options.ts";
import { newOwnerToken, removeOwnerToken, writeOwnerToken } from "../ops/http/access/owner-token.ts";
import { REPLICAS } from "../ops/state/verify-task-store.ts";
import { type ListenAddress, serveWorker, type WorkerServer } from "../ops/worker-server.ts";
import { systemClock } from "../time/system-clock.ts";
import { type OpenTracing, openTracing, type TracingOptions } from "../trace/open-tracing.ts";
import { commit } from "./commit.ts";
import { FormerMembers } from "./former-members.ts";
import type { SupervisorLink } from "./job-control.ts";
import type { JobEvent } from "./job-event.ts";
import type { TopicsPolicy } from "./job-topics.ts";
import { type KafkaOptions, type OpenedKafka, openKafka } from "./open-kafka.ts";
import { type JobsRun, runJobs } from "./run-jobs.ts";
import { STATE_TRUSTED_MS } from "./task-stores.ts";

export interface StartOptions {
  /**
   * Holds the state of the jobs, and without `kafka` the embedded log, for one process at a time. Made if missing, readable by its owner only.
   */
  readonly dataDir: string;
  /** Runs the jobs on Kafka: start as many processes as there shall be workers, on as many machines. @default the embedded log */
  readonly kafka?: KafkaOptions;
  /** Where the process tells of itself over HTTP: GET /status, /healthz, /readyz, /metrics; /openapi.json describes it. @default nowhere */
  readonly listen?: ListenAddress;
  /** Who may ask there. @default everybody on this machine may look; an address that others can reach is refused */
  readonly http?: HttpOptions;
  /** Group members per job, all in this process. @default 1 */
  readonly workers?: number;
  /** Told what happens: assignments, restores, dead letters. Must not throw. */
  readonly onEvent?: (event: JobEvent) => void;
  /** How long `stop` waits for the last commits. @default 30_000 */
  readonly drainTimeoutMs?: number;
  /**
   * "verify", where a cluster does not let jobs make topics: a start only checks that they exist, with the partitions, clean-up and retention that the
   * jobs need, and reports all that is missing or wrong at once, with the commands that mend it. Nothing is made, changed or deleted. @default "ensure"
   */
  readonly topics?: TopicsPolicy;
  /** Traces of OpenTelemetry, of the records that are chosen. @default nothing is traced */
  readonly tracing?: TracingOptions | undefined;
  /** What started this process as one of several, and is told when their number is to change. @default nobody */
  readonly supervisor?: SupervisorLink;
  /** Stores of an earlier version of a job whose state may be forgotten; a removed store is refused otherwise. */
  readonly droppedStores?: readonly string[];
  /**
   * Refuses jobs whose version and plan are not those that `mulgil deploy` has registered; what that has said of stores that may be dropped holds.
   * @default false
   */
  readonly onlyDeployed?: boolean;
  /**
   * What stands for personal data with the rule "hash" where state is shown over HTTP: digits that are equal for equal texts, and tell nobody else the
   * text. `mulgil run` makes it of MULGIL_PII_KEY_FILE. @default such data is masked
   */
  readonly digest?: ((text: string) => string) | undefined;
}

/**
 * Starts jobs in this process, on Kafka or on the embedded log of a data directory, and returns when their topics exist and their workers have been
 * started. Exactly-once unless the job says otherwise: killed at any moment and started again, jobs go on where their last commit was.
 * @throws {DefinitionError} JOB_… if a job is wrong
 * @throws {ConfigError} TOPIC_MISSING, TOPIC_CONFIG, LISTEN_UNPROTECTED and other mistakes of the surroundings; DEPLOY_MISSING, DEPLOY_DIFFERS
 * @throws {MulgilError} DATA_DIR_LOCKED if another process has the directory, LISTEN_FAILED
 */
export async function startJobs(jobs: readonly Job[], options: StartOptions): Promise<JobsRun> {
  const { log, registry, troubles, server, tracing, close } = await openSurroundings(options);
  const members = new FormerMembers(options.dataDir);
  const stateFolder = join(options.dataDir, "state");
  try {
    // Tasks come and go, and leave their state to be found again. Nothing of it is open yet.
    await removeStaleState(stateFolder, systemClock.now() - STATE_TRUSTED_MS);
    const disk = levelDisk(stateFolder);
    await disk.remove(REPLICAS);
    await members.leave(log);
    let run: JobsRun | undefined;
    run = await runJobs(jobs, {
      registry,
      isShared: options.kafka !== undefined,
      environment: {
        log,
        disk,
        location: randomUUID(),
        clock: systemClock,
        turn: () => nextTurn(),
        commit,
        tracer: tracing?.tracer,
        onEvent(event) {
          // The embedded log has no members that outlive their process.
          if (event.kind === "assigned" && run !== undefined && options.kafka !== undefined)
            members.remember(run.members());
          options.onEvent?.(event);
        },
      },
      ...(server !== undefined && { identity: server.identity }),
      ...(options.supervisor !== undefined && { supervisor: options.supervisor }),
      ...(options.workers !== undefined && { workers: options.workers }),
      ...(options.topics !== undefined && { topics: options.topics }),
      ...(options.droppedStores !== undefined && { droppedStores: options.droppedStores }),
      ...(options.onlyDeployed !== undefined && { onlyDeployed: options.onlyDeployed }),
      digest: options.digest,
      ...(options.drainTimeoutMs !== undefined && { drainTimeoutMs: options.drainTimeoutMs }),
    });
    server?.show(run.members, {
      measures: run.measures,
      state: run.state,
      endOffsets: (partitions) => log.listOffsets(partitions, "latest", "read_committed"),
      stateBytes: (job, task, store) => disk.sizeBytes(`${job}/${task}/${store}`),
      ...(troubles !== undefined && { logTroubles: () => troubles.all }),
    });
    const finished = run.finished.finally(() => members.forget()).finally(close);
    finished.catch(() => undefined);
    return {
      ...run,
      finished,
      async stop() {
        await run.stop();
        await finished;
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Surroundings extends OpenedKafka {
  readonly server?: WorkerServer;
  readonly tracing?: OpenTracing;
}

/** The log, where spans go, and what tells of this process, if these are wanted. */
async function openSurroundings(options: StartOptions): Promise<Surroundings> {
  const tracing =
    options.tracing && (await openTracing(options.tracing, options.kafka === undefined ? "mulgil" : "kafka"));
  // No collector may turn the end of a run into a failure.
  const closeTracing = () => tracing?.close().catch(() => undefined);
  try {
    const { close, ...opened } = await openServed(options);
    // Spans end with the tasks.
    return { ...opened, ...(tracing !== undefined && { tracing }), close: () => close().finally(closeTracing) };
  } catch (error) {
    await closeTracing();
    throw error;
  }
}

async function openServed(options: StartOptions): Promise<Omit<Surroundings, "tracing">> {
  const backend = await openBackend(options);
  if (options.listen === undefined) return backend;
  try {
    const ownerToken = newOwnerToken();
    const server = await serveWorker(options.listen, { host: hostname(), pid: process.pid }, options.http, ownerToken);
    const { address } = server.identity;
    const close = () =>
      server
        .close()
        .finally(() => removeOwnerToken(options.dataDir, address))
        .finally(backend.close);
    try {
      await writeOwnerToken(options.dataDir, address, ownerToken);
    } catch (error) {
      await server.close();
      throw error;
    }
    return { ...backend, server, close };
  } catch (error) {
    await backend.close();
    throw error;
  }
}

async function openBackend({ dataDir, kafka }: StartOptions): Promise<OpenedKafka> {
  if (kafka !== undefined) return await openKafkaBackend(dataDir, kafka);
  const directory = await openDataDirectory(dataDir, { clock: systemClock, mode: "owner" });
  return { log: directory.log, registry: directory.registry, close: () => directory.close() };
}

/** The directory holds only state then: two processes that have it would keep each other from their stores. */
async function openKafkaBackend(dataDir: string, kafka: KafkaOptions): Promise<OpenedKafka> {
  const lock = await lockDirectory(dataDir, systemClock);
  try {
    const { close, ...opened } = await openKafka(kafka);
    return { ...opened, close: () => close().finally(() => lock.release()) };
  } catch (error) {
    await lock.release();
    throw error;
  }
}
