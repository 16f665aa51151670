import type { Consent } from "../../schemas/types/mydata/consent.ts";
import type { Erasure } from "../../schemas/types/mydata/erasure.ts";
import type { ErasureMemory } from "../../schemas/types/mydata/erasure-memory.ts";

export const noErasures: ErasureMemory = { customerAt: null, clickedAt: 0, institutions: [] };

type Order = Pick<Erasure, "scope" | "institutions" | "orderedAt" | "clickedAt">;

/** Adds an order to what a step remembers. Orders may come twice and in any order. */
export function rememberErasure(memory: ErasureMemory, order: Order): ErasureMemory {
  if (order.scope === "customer")
    return {
      ...memory,
      customerAt: Math.max(memory.customerAt ?? 0, order.orderedAt),
      clickedAt: Math.max(memory.clickedAt, order.clickedAt),
    };
  const named = new Map(memory.institutions.map((erasure) => [erasure.institution, erasure]));
  for (const institution of order.institutions) {
    const before = named.get(institution);
    named.set(institution, {
      institution,
      erasedAt: Math.max(before?.erasedAt ?? 0, order.orderedAt),
      clickedAt: Math.max(before?.clickedAt ?? 0, order.clickedAt),
    });
  }
  return { ...memory, institutions: [...named.values()] };
}

/** Up to when what was requested of the institution is forgotten; 0: nothing is. */
export const erasedUntil = (memory: ErasureMemory, institution: string): number =>
  Math.max(memory.customerAt ?? 0, entryOf(memory, institution)?.erasedAt ?? 0);

/** Up to which click consents to the institution count no more; 0: all count. */
export const clickedUntil = (memory: ErasureMemory, institution: string): number =>
  Math.max(memory.clickedAt, entryOf(memory, institution)?.clickedAt ?? 0);

/** Whether all that is consented to is from before the customer left. */
export function isOutdatedConsent(memory: ErasureMemory, { grants, changedAt }: Consent): boolean {
  if (memory.customerAt === null) return false;
  if (grants.length === 0) return changedAt <= memory.clickedAt;
  return grants.every(({ institution, grantedAt }) => grantedAt <= clickedUntil(memory, institution));
}

/** The latest order of all; 0: there is none. */
export const lastErasureOf = (memory: ErasureMemory): number =>
  Math.max(memory.customerAt ?? 0, ...memory.institutions.map(({ erasedAt }) => erasedAt));

const entryOf = (memory: ErasureMemory, institution: string) =>
  memory.institutions.find((erasure) => erasure.institution === institution);
