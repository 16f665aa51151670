import type { LogAccess } from "../../log/port.ts";
import type { Clock } from "../../time/clock.ts";
import { inputPositions } from "../../worker/input-positions.ts";
import type { JobOverview } from "../job-overview.ts";
import { inputFacts, keyOf } from "../lag/input-facts.ts";
import { LOOKS, type Look } from "../lag/lag-window.ts";
import type { ObservedInput } from "./facts.ts";

export interface ObserveOptions {
  readonly log: LogAccess;
  readonly clock: Clock;
  /** Over how much time the positions are looked at; undefined: once. */
  readonly sampleMs: number | undefined;
}

/** By job, and by "topic/partition". The record at a position is read once, at the end. */
export async function observeInputs(
  overviews: readonly JobOverview[],
  { log, clock, sampleMs }: ObserveOptions,
): Promise<ReadonlyMap<string, ReadonlyMap<string, ObservedInput>>> {
  const looks = new Map<string, Look[]>();
  if (sampleMs !== undefined) {
    for (let look = 1; look < LOOKS; look++) {
      await Promise.all(overviews.map((overview) => lookAt(overview, log, clock.now(), looks)));
      await clock.sleep(sampleMs / (LOOKS - 1));
    }
  }
  return new Map(
    await Promise.all(
      overviews.map(async (overview) => {
        const found = await inputFacts(log, overview.job, partitionsOf(overview), clock);
        const atMs = clock.now();
        const observed = found.map((input) => {
          const before = looks.get(`${overview.job} ${keyOf(input)}`) ?? [];
          return [keyOf(input), { ...input, looks: [...before, lookOf(input, atMs)] }] as const;
        });
        return [overview.job, new Map(observed)] as const;
      }),
    ),
  );
}

async function lookAt(overview: JobOverview, log: LogAccess, atMs: number, looks: Map<string, Look[]>): Promise<void> {
  for (const position of await inputPositions(log, overview.job, partitionsOf(overview))) {
    const key = `${overview.job} ${keyOf(position)}`;
    looks.set(key, [...(looks.get(key) ?? []), lookOf(position, atMs)]);
  }
}

const lookOf = ({ position, endOffset, lag }: Omit<Look, "atMs">, atMs: number): Look => ({
  ...{ position, endOffset, lag, atMs },
});

const partitionsOf = ({ tasks }: JobOverview) =>
  tasks.flatMap(({ inputs }) => inputs.map(({ topic, partition }) => ({ topic, partition })));
