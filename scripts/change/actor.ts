import { hostname, userInfo } from "node:os";

/** Who gives an order, as the audit trail names him. */
export const actor = (): string => `${userInfo().username}@${hostname()}`;
