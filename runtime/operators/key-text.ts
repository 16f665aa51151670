import { fromJson, toJson } from "../../schemas/json.ts";
import type { KeyType } from "../../schemas/key-type.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { Node } from "../dsl/topology.ts";
import type { PlannedStore } from "../plan/plan.ts";

/** Of the keys of a step's stores. */
export function keyTypeOf(node: Node): KeyType | null {
  if (node.kind === "aggregate" || node.kind === "process") return node.keyType;
  if (node.kind === "table") return node.shape.keyType;
  return node.kind === "call" ? "string" : null;
}

/** Of what stands behind the record's key in the keys of a store; null if nothing does. */
export function entryKeyTypeOf({ name }: Pick<PlannedStore, "name">, node: Node): KeyType | null {
  if (node.kind === "call") return "long";
  if (node.kind !== "process") return null;
  const definition = node.stores[name.slice(node.id.length + 1)];
  return definition?.kind === "map" ? definition.keyType : null;
}

/**
 * A key as somebody types it: a text as it is, a number in digits, bytes as base64, an Avro key as JSON.
 * @throws {MulgilError} STATE_KEY if it is no such key
 */
export function keyFromText(type: KeyType, text: string): unknown {
  switch (type) {
    case "string":
      return text;
    case "bytes":
      return Buffer.from(text, "base64");
    case "int":
    case "long":
    case "double":
      return numberFrom(type, text);
    default:
      return avroKey(type.avro, text);
  }
}

function numberFrom(type: "int" | "long" | "double", text: string): number {
  const value = Number(text);
  const isRight = text.trim() !== "" && (type === "double" ? Number.isFinite(value) : Number.isSafeInteger(value));
  if (!isRight) throw badKey(`"${text}" is no ${type}, and the keys of this store are`);
  return value;
}

function avroKey(avro: Parameters<typeof fromJson>[0], text: string): unknown {
  try {
    return fromJson(avro, JSON.parse(text));
  } catch (cause) {
    throw badKey(
      `the keys of this store are Avro: give one as JSON that fits its schema (${(cause as Error).message})`,
      cause,
    );
  }
}

/** As JSON has it. */
export function shownKey(type: KeyType | null, key: unknown): unknown {
  if (Buffer.isBuffer(key)) return { $bytes: key.toString("base64") };
  return type !== null && typeof type === "object" ? toJson(type.avro, key) : key;
}

const badKey = (message: string, cause?: unknown) => new MulgilError(message, { code: "STATE_KEY", cause });
