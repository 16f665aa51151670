/**
 * What a step's function may know of the record besides its value. One object is reused for all records: read from it during the call,
 * do not keep it.
 */
export interface RecordContext<K, W = undefined> {
  readonly key: K;
  /** Event time. */
  readonly timestampMs: number;
  /** The bounds of the window, behind a windowed aggregate; undefined elsewhere. */
  readonly window: W;
  /** Where the record came from: the source topic, or the repartition topic in front of this step. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly headers: Readonly<Record<string, Buffer>>;
}
