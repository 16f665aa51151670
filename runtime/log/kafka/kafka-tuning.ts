import type { Compression } from "./protocol/compression.ts";

/** What Mulgil asks of the brokers. */
export interface KafkaTuning {
  /** Copies of each partition of topics that are made. @default the broker's default.replication.factor */
  readonly replicationFactor?: number;
  /** Of what is written; "none" leaves it to the topic's compression.type. @default "none" */
  readonly compression?: Compression;
  /** How long a call goes on trying while brokers are away. @default 120_000 */
  readonly patienceMs?: number;
  /** An open transaction that is older is aborted by the broker, which allows at most its transaction.max.timeout.ms. @default 60_000 */
  readonly transactionTimeoutMs?: number;
}
