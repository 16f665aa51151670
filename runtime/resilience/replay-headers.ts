type Headers = Readonly<Record<string, Buffer>>;

/** Headers of a record that is processed once more; its own headers stay beside them. */
export const REPLAY_HEADERS = {
  /** The id of the replay. On what a job sends because of such a record, too. */
  replay: "mulgil.replay",
  /** Where the record lay: topic/partition/offset. */
  from: "mulgil.replay.from",
  /** Present where `call` steps are to call for it. */
  effects: "mulgil.replay.effects",
} as const;

/** Where a replayed record lay. */
export interface ReplayedFrom {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** What marks a record as replayed. */
export const replayHeaders = (mark: {
  readonly id: string;
  readonly from: ReplayedFrom;
  readonly hasEffects: boolean;
}): Headers => ({
  [REPLAY_HEADERS.replay]: Buffer.from(mark.id),
  [REPLAY_HEADERS.from]: Buffer.from(`${mark.from.topic}/${mark.from.partition}/${mark.from.offset}`),
  ...(mark.hasEffects && { [REPLAY_HEADERS.effects]: Buffer.from("true") }),
});

export const isReplayed = (headers: Headers | undefined): boolean => headers?.[REPLAY_HEADERS.replay] !== undefined;

/** A replayed record for which nobody may be called. */
export const isWithoutEffects = (headers: Headers | undefined): boolean =>
  isReplayed(headers) && headers?.[REPLAY_HEADERS.effects] === undefined;

/** Undefined if no header says it, or one that is none of Mulgil's. */
export function replayedFrom(headers: Headers | undefined): ReplayedFrom | undefined {
  const text = headers?.[REPLAY_HEADERS.from]?.toString();
  const [, topic, partition, offset] = /^([^/]+)\/(\d{1,9})\/(\d{1,15})$/.exec(text ?? "") ?? [];
  return topic === undefined ? undefined : { topic, partition: Number(partition), offset: Number(offset) };
}

/** What a record that is caused by a replayed one carries on: what stands behind it must make no calls either. Undefined if the cause is none. */
export function inheritedReplay(headers: Headers | undefined): Headers | undefined {
  const replay = headers?.[REPLAY_HEADERS.replay];
  if (replay === undefined) return undefined;
  const effects = headers?.[REPLAY_HEADERS.effects];
  return {
    [REPLAY_HEADERS.replay]: replay,
    ...(effects !== undefined && { [REPLAY_HEADERS.effects]: effects }),
  };
}
