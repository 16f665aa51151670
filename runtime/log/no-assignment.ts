import type { MemberAssignment } from "./port.ts";

/** Of a member for which the assignor had nothing. */
export const NO_ASSIGNMENT: MemberAssignment = { partitions: [], userData: new Uint8Array() };
