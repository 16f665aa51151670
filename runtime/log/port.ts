/**
 * What Mulgil needs of a log. Two implementations pass one contract suite (test/contract/): Kafka, and the embedded log.
 * Everything is batch-shaped; nothing here is called once a record.
 */

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Header values are bytes; a name occurs once. */
export type Headers = Readonly<Record<string, Buffer>>;

export interface ProducerRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestampMs: number;
  readonly headers?: Headers | undefined;
}

/** The caller chooses the partition (see partitioner.ts), so that every implementation places a key alike. */
export interface ProduceBatch extends TopicPartition {
  readonly records: readonly ProducerRecord[];
}

export interface FetchedRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Headers | undefined;
}

/**
 * Consecutive records of one partition. Markers, aborted records and compacted holes are skipped, so offsets may have gaps and
 * `records` may be empty while `nextOffset` still moves: positions count everything.
 */
export interface FetchedBatch extends TopicPartition {
  readonly records: readonly FetchedRecord[];
  /** The position after this batch, markers included. */
  readonly nextOffset: number;
  /** The partition's end as this reader may see it: last stable offset under read_committed. */
  readonly endOffset: number;
}

export type Isolation = "read_committed" | "read_uncommitted";

export type CleanupPolicy = "delete" | "compact" | "compact,delete";

export interface TopicConfig {
  readonly cleanupPolicy: CleanupPolicy;
  /** How long records are kept, by their timestamp against the wall clock; -1 keeps everything. */
  readonly retentionMs: number;
  /** How long a tombstone outlives its compaction. */
  readonly deleteRetentionMs: number;
}

export interface TopicSpec {
  readonly topic: string;
  readonly partitions: number;
  readonly config: TopicConfig;
  /** The largest record batch that it takes, in bytes, where the log has such a limit. @default the log's own */
  readonly batchBytesMax?: number;
}

export interface TopicDescription extends TopicSpec {
  /** Differs when a topic was deleted and made again under the same name. */
  readonly incarnation: string;
  /** Absent where there are no copies. */
  readonly replication?: Replication;
}

/** The copies of a topic's partitions on brokers. */
export interface Replication {
  /** Of the partition that has the fewest. */
  readonly copies: number;
  /** Of the partition that has the fewest which are up to date. */
  readonly inSync: number;
  /** With fewer that are up to date, nothing can be written with acks=all. */
  readonly inSyncMin: number;
  /** Partitions that nobody leads now: they can be neither read nor written. */
  readonly withoutLeader: readonly number[];
}

export type OffsetSpec = "earliest" | "latest" | { readonly atOrAfterMs: number };

export interface PartitionOffset extends TopicPartition {
  readonly offset: number;
}

/** `offset` is the next one to read. `metadata` carries the commit sequence number. */
export interface CommittedOffset extends PartitionOffset {
  readonly metadata: string;
}

/** A transaction that is neither committed nor aborted: who reads committed records gets none from its first offset on. */
export interface OpenTransaction extends TopicPartition {
  readonly firstOffset: number;
  readonly producerId: number;
  /** Undefined if the log does not say it, or the user may not see it. */
  readonly transactionalId: string | undefined;
  /** By the log's clock; undefined where it does not say whose it is. */
  readonly startedAtMs: number | undefined;
}

/** A consumer group as the log sees it. */
export interface GroupDescription {
  readonly groupId: string;
  /** "empty": nobody is in it, and never was or left. "rebalancing": its members are dividing the partitions anew. */
  readonly status: "empty" | "rebalancing" | "settled";
  readonly members: readonly DescribedMember[];
}

export interface DescribedMember {
  readonly memberId: string;
  readonly clientId: string;
  /** The address that it connects from; "" for a member in the log's own process. */
  readonly host: string;
  /** As of its last join, like the assignment; both are empty while the group is rebalancing. */
  readonly userData: Uint8Array;
  readonly assignment: readonly TopicPartition[];
}

/** What any process may do with a log, also through the socket of the process that owns it. */
export interface LogAccess {
  /** Creates what is missing. An existing topic keeps its configuration, but a retention shorter than asked is raised. @throws LOG_PARTITIONS if the number of partitions differs */
  ensureTopics(specs: readonly TopicSpec[]): Promise<void>;
  describeTopics(): Promise<readonly TopicDescription[]>;
  deleteTopic(topic: string): Promise<void>;
  /** Appends with acks=all: when it resolves the records survive a crash. Returns the first offset of each batch, in order. */
  produce(batches: readonly ProduceBatch[]): Promise<readonly number[]>;
  /** Self-assigned reading without a group. */
  openReader(options: { readonly isolation: Isolation }): Promise<LogReader>;
  listOffsets(
    partitions: readonly TopicPartition[],
    spec: OffsetSpec,
    isolation: Isolation,
  ): Promise<readonly PartitionOffset[]>;
  /** Removes what lies before the offsets (purge of repartition topics). */
  deleteRecords(before: readonly PartitionOffset[]): Promise<void>;
  /** The committed offsets of a group; partitions without one are left out. */
  committedOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<readonly CommittedOffset[]>;
  /** Who is in a group. One that the log has never heard of is empty. */
  describeGroup(groupId: string): Promise<GroupDescription>;
  /**
   * Forgets a group and all that it has committed. Does nothing if the log has never heard of it.
   * @throws LOG_GROUP_NOT_EMPTY if it has members
   */
  deleteGroup(groupId: string): Promise<void>;
  /** Initialises a transactional id: fences its former owner, and aborts or completes what that left open, before it resolves. */
  openTransactionalProducer(transactionalId: string): Promise<TransactionalProducer>;
  /** The transactions that are open in these partitions. */
  openTransactions(partitions: readonly TopicPartition[]): Promise<readonly OpenTransaction[]>;
  close(): Promise<void>;
}

export interface LogReader {
  /** Adds partitions, or moves those already assigned, to a position. */
  assign(positions: readonly PartitionOffset[]): void;
  unassign(partitions: readonly TopicPartition[]): void;
  /**
   * Everything available, up to `bytesMax` (1 MiB a partition by default); waits up to `waitMaxMs` for the first of it, and returns
   * an empty list after that. @throws LOG_OFFSET_OUT_OF_RANGE if a position lies before the start or past the end of its partition, LOG_TOPIC_REPLACED if its
   * topic was deleted and made again since the position was given
   */
  poll(waitMaxMs: number): Promise<readonly FetchedBatch[]>;
  close(): Promise<void>;
}

export interface Log extends LogAccess {
  /** The partitions of those of these topics that there are. Cheap: may be asked every few seconds. */
  countPartitions(topics: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Joins a consumer group at the first poll. */
  joinGroup(options: GroupOptions): Promise<GroupConsumer>;
  /**
   * Takes a member out of its group that cannot leave by itself any more, so that nobody waits for its session to end. One that lives after all loses
   * its place, and joins again. Does nothing if the group does not know it.
   */
  removeMember(groupId: string, memberId: string): Promise<void>;
}

export interface GroupMember {
  readonly memberId: string;
  readonly userData: Uint8Array;
}

/** What a member is given for one generation. */
export interface MemberAssignment {
  readonly partitions: readonly TopicPartition[];
  /** What the assignor tells the member besides; empty if it has nothing to say. */
  readonly userData: Uint8Array;
}

/** Runs on one member, for all. Pure: same input, same answer. */
export interface Assignor {
  readonly name: string;
  /** A member that is left out gets nothing. */
  assign(
    members: readonly GroupMember[],
    partitionCounts: ReadonlyMap<string, number>,
  ): ReadonlyMap<string, MemberAssignment>;
}

/** All callbacks run inside `poll`, as in the Java client, so the caller is never interrupted in between. */
export interface GroupListener {
  /** What this member tells the assignor; asked before every join. */
  userData(): Uint8Array;
  /** A rebalance begins. The member still owns its partitions: commit what is done. Awaited, within the rebalance time-out. */
  onRebalance(): Promise<void>;
  /** The new assignment, complete. Positions are unset: seek every partition before the next poll. */
  onAssigned(assignment: MemberAssignment, generation: number): Promise<void>;
  /** The session is gone; others may already own the partitions: drop everything, commit nothing. */
  onLost(): void;
}

export interface GroupOptions {
  readonly groupId: string;
  /** A readable name, for logs; the group gives the member its id. */
  readonly clientId: string;
  readonly topics: readonly string[];
  readonly assignor: Assignor;
  readonly listener: GroupListener;
  /** A member silent for longer is removed. @default 30_000 */
  readonly sessionTimeoutMs?: number;
  /** How long a rebalance waits for members to rejoin. @default 60_000 */
  readonly rebalanceTimeoutMs?: number;
}

export interface GroupConsumer {
  /** Set after the first join. */
  readonly memberId: string;
  readonly generation: number;
  /**
   * Joins or rejoins if needed, then returns fetched batches (read_committed) of partitions that are assigned and not paused.
   * Waits up to `waitMaxMs` for the first. Counts as a heartbeat.
   */
  poll(waitMaxMs: number): Promise<readonly FetchedBatch[]>;
  /** For long work between polls: keeps the session. Resolves to false when a rebalance is waiting for this member. */
  heartbeat(): Promise<boolean>;
  seek(positions: readonly PartitionOffset[]): void;
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  /** Has the group assign anew, because what `userData` says has changed. Takes effect in a later poll. */
  requestRebalance(): void;
  /** @throws TaskMigratedError LOG_FENCED if the member is no longer in this generation */
  commit(offsets: readonly CommittedOffset[]): Promise<void>;
  /** Leaves the group at once, without `onRebalance`. */
  close(): Promise<void>;
}

/**
 * One transaction at a time: begin, produce and sendOffsets in any order and number, then commit or abort.
 * Every method throws TaskMigratedError (LOG_FENCED) once another owner has initialised the same id,
 * and IndefiniteTransactionError when the answer did not arrive: then nothing is known, and the producer must be opened again.
 */
export interface TransactionalProducer {
  begin(): Promise<void>;
  /** Returns the first offset of each batch, in order: a changelog's checkpoint is made of them. */
  produce(batches: readonly ProduceBatch[]): Promise<readonly number[]>;
  /** The offsets become the group's committed ones when the transaction commits. */
  sendOffsets(groupId: string, offsets: readonly CommittedOffset[]): Promise<void>;
  commit(): Promise<void>;
  abort(): Promise<void>;
  /** Ends use of the producer; an open transaction stays as it is until it is fenced or times out. */
  close(): Promise<void>;
}
