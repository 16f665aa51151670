import { createHash } from "node:crypto";

const CHARACTERS = 12;

/** Stands for an order key where people look: the key may be somebody's data. The same everywhere, so that it can be given back to a command. */
export const orderKeyHash = (orderKey: string): string =>
  createHash("sha256").update(orderKey).digest("hex").slice(0, CHARACTERS);
