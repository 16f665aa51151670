import { randomBytes } from "node:crypto";

/** From 0 inclusive to 1 exclusive, different in every process, as nobody could foretell. */
export const cryptographicRandom = (): number => randomBytes(6).readUIntBE(0, 6) / 2 ** 48;
