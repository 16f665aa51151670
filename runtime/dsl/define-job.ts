import { keyTypeOfField } from "../../schemas/key-serde.ts";
import type { KeyType } from "../../schemas/key-type.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { Duration } from "./duration.ts";
import { GraphBuilder } from "./graph-builder.ts";
import type { PositionOptions } from "./source-options.ts";
import { Stream } from "./stream.ts";
import type { Table } from "./table.ts";
import type { TopicDefinition, TopicKey, TopicValue } from "./topic.ts";
import type { Delivery, Topology } from "./topology.ts";

/** Options of a source; `fields` names the only fields the job uses: the others are skipped while decoding. */
export interface SourceOptions<V, F extends keyof V & string> extends PositionOptions {
  readonly fields?: readonly F[];
}

/** Opens the topics that a job reads. */
export interface From {
  /** Reads a topic as a stream, from its beginning at the job's first start unless `startFrom` says otherwise. */
  <T extends TopicDefinition>(topic: T): Stream<TopicKey<T>, TopicValue<T>>;
  <T extends TopicDefinition, const F extends keyof TopicValue<T> & string>(
    topic: T,
    options: SourceOptions<TopicValue<T>, F>,
  ): Stream<TopicKey<T>, Pick<TopicValue<T>, F>>;
  /** Reads a compacted topic as a table under a store of that name; a null value deletes. */
  table<T extends TopicDefinition>(
    name: string,
    topic: T,
    options?: Pick<PositionOptions, "onGap">,
  ): Table<TopicKey<T>, TopicValue<T>>;
}

export interface JobDefinition {
  /** In the names of its group, topics and directories: do not change it. */
  readonly name: string;
  /** Raised with every change of the definition. */
  readonly version: number;
  /**
   * "exactly-once": outputs, state and offsets are in one transaction. "at-least-once": a crash may repeat outputs, and state may count
   * a record twice. @default "exactly-once"
   */
  readonly delivery?: Delivery;
  /** How often results become visible and state durable. @default "1 second" */
  readonly commitEvery?: Duration;
  /**
   * Copies of each task's state that other workers keep up to date on disks of their own: when a worker dies, its tasks go to them, and go on at
   * once. Each costs a disk's space and reading the changelogs. Workers of one process share a disk and keep none for each other. @default 0
   */
  readonly standbys?: number;
  /** Describes the job. Runs once, when the job is defined; must have no effects. */
  flow(from: From): void;
}

/** A job: frozen data. `compile` turns it into a plan; `validate` says what is wrong with it. */
export interface Job {
  readonly name: string;
  readonly version: number;
  readonly delivery: Delivery;
  readonly commitEvery: Duration;
  readonly standbys: number;
  readonly topology: Topology;
}

/**
 * Declares a stream-processing job. Nothing runs and nothing is checked against the world: `mulgil validate` reports what is wrong with it,
 * `mulgil describe` what it will do, `mulgil run` runs it.
 * @example
 * export default defineJob({
 *   name: "daily-spending",
 *   version: 1,
 *   flow(from) {
 *     from(cardApprovals)
 *       .window(tumbling("1 day", { zone: "Asia/Seoul", grace: "10 minutes" }))
 *       .aggregate("spending", { payments: count() })
 *       .to(dailySpending);
 *   },
 * });
 */
export function defineJob(definition: JobDefinition): Job {
  const builder = new GraphBuilder(definition.name);
  definition.flow(sources(builder));
  return Object.freeze({
    name: definition.name,
    version: definition.version,
    delivery: definition.delivery ?? "exactly-once",
    commitEvery: definition.commitEvery ?? "1 second",
    standbys: definition.standbys ?? 0,
    topology: builder.build(),
  });
}

function sources(builder: GraphBuilder): From {
  const open = (topic: TopicDefinition, options: PositionOptions & { readonly fields?: readonly string[] } = {}) => {
    const keyType = keyTypeOf(builder, topic);
    const shape = { keyType, schema: topic.value };
    const node = builder.addSource({
      kind: "source",
      inputs: [],
      topic,
      ...(options.fields && { fields: options.fields }),
      ...positionOptions(options),
      shape,
    });
    return new Stream(builder, { at: { node }, ...shape, keyPath: topic.key, displaced: false });
  };
  const table = (name: string, topic: TopicDefinition, { onGap }: Pick<PositionOptions, "onGap"> = {}) => {
    const keyType = keyTypeOf(builder, topic);
    if (keyType === null)
      builder.issue(
        "JOB_KEY_MISSING",
        name,
        `the table "${name}" needs a topic with a key: give "${topic.name}" a key`,
      );
    const node = builder.addNamed(name, {
      kind: "table",
      inputs: [],
      topic,
      store: name,
      ...positionOptions({ ...(onGap !== undefined && { onGap }) }),
      shape: { keyType, schema: topic.value },
    });
    return { node, keyType };
  };
  return Object.assign(open, { table }) as unknown as From;
}

const positionOptions = ({ onGap, startFrom }: PositionOptions): PositionOptions => ({
  ...(onGap !== undefined && { onGap }),
  ...(startFrom !== undefined && { startFrom }),
});

function keyTypeOf(builder: GraphBuilder, topic: TopicDefinition): KeyType | null {
  if (topic.keyType !== undefined) return topic.keyType;
  if (topic.key === undefined) return null;
  try {
    return keyTypeOfField(topic.value.avro, topic.key);
  } catch (error) {
    if (!(error instanceof MulgilError)) throw error;
    builder.issue(error.code, topic.name, error.message);
    return null;
  }
}
