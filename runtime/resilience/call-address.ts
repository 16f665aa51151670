import type { RecordContext } from "../dsl/record.ts";
import type { CallNode } from "../dsl/topology.ts";
import type { Address } from "./parcel.ts";

/** Where a record belongs, as the functions of the definition say. @throws if one of them does, or gives no text */
export function addressOf(node: CallNode, value: unknown, context: RecordContext<unknown>): Address {
  const { resource, orderKey, erasure } = node;
  return {
    resource: text("resource", resource(value, context)),
    orderKey: orderKey === undefined ? undefined : text("orderKey", orderKey(value, context)),
    subject: erasure === undefined ? undefined : text("erasure.subject", erasure.subject(value, context)),
  };
}

/** Where an order to forget somebody belongs: it is for no institution. */
export const addressOfOrder = ({ erasure }: CallNode, value: unknown, context: RecordContext<unknown>): Address => ({
  ...nowhere,
  subject: text("erasure.subject", erasure!.subject(value, context)),
});

export const nowhere: Address = Object.freeze({ resource: "", orderKey: undefined, subject: undefined });

/** What makes a record later than another one of its order key. @throws if the definition's function does, or gives no number */
export function versionOf({ version }: CallNode, value: unknown, offset: number): number {
  if (version === undefined) return offset;
  const given: unknown = version(value);
  if (typeof given === "number" && Number.isFinite(given)) return given;
  throw new TypeError(`version gave a value of type ${typeof given}: a finite number is needed`);
}

function text(name: string, given: unknown): string {
  // Halves of a character (of a name that was cut) are the same bytes in state, so they must be the same key in memory.
  if (typeof given === "string" && given !== "") return given.toWellFormed();
  // Only what kind of thing it is: it may be personal data.
  const found = given === "" ? "an empty text" : given === null ? "null" : `a value of type ${typeof given}`;
  throw new TypeError(`${name} gave ${found}: a text that is not empty is needed`);
}
