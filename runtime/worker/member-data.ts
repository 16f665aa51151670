import type { ProcessIdentity } from "./member-status.ts";

/** What a member tells the group about itself. */
export interface MemberData {
  /** Tasks that it runs now. */
  readonly tasks: readonly string[];
  /** The plan it would run them by. */
  readonly plan: { readonly version: number; readonly hash: string };
  /** Of its disk; members of one location have the same. */
  readonly location: string;
  /** Tasks of which its disk has state: changelog records that it is behind, null if it does not know. */
  readonly copies: Readonly<Record<string, number | null>>;
  /** Topics with records to be processed once more that it knows of, and their partitions. */
  readonly replays?: Readonly<Record<string, number>>;
  /** For whoever wants to ask it more. */
  readonly process?: ProcessIdentity | undefined;
}

/** What a member of any version may have told: the first ones said no more than this. */
export type ToldMemberData = Pick<MemberData, "tasks" | "plan"> & Partial<MemberData>;

/** What the assignor tells a member beside its partitions: tasks. */
export interface AssignmentData {
  readonly standbys: readonly string[];
  readonly warmups: readonly string[];
  /** Topics with records to be processed once more that have been given out. A leader of an older version says nothing of them. */
  readonly replays?: readonly string[];
}

export const encodeMemberData = (data: MemberData): Buffer => Buffer.from(JSON.stringify(data));

export const decodeMemberData = (bytes: Uint8Array): ToldMemberData => JSON.parse(Buffer.from(bytes).toString());

export const encodeAssignmentData = (data: AssignmentData): Buffer => Buffer.from(JSON.stringify(data));

/** A member that gets no task is told nothing. */
export const decodeAssignmentData = (bytes: Uint8Array): AssignmentData =>
  bytes.length === 0 ? { standbys: [], warmups: [] } : JSON.parse(Buffer.from(bytes).toString());
