import { avroJsonOf, avroNodeOf } from "./avro-node.ts";
import { MulgilError } from "./mulgil-error.ts";
import type { AvroJson } from "./schema.ts";

/**
 * The schema of a record with some of its fields only: reading with it skips the others.
 * @throws {MulgilError} SCHEMA_INVALID if it is no record or has no such field
 */
export function projectSchema(avro: AvroJson, fields: readonly string[]): AvroJson {
  const node = avroNodeOf(avro);
  if (node.kind !== "record")
    throw new MulgilError("only the fields of a record can be chosen", { code: "SCHEMA_INVALID" });
  const missing = fields.filter((name) => !node.fields.some((field) => field.name === name));
  if (missing.length > 0) {
    const known = node.fields.map((field) => field.name).join(", ");
    throw new MulgilError(`record "${node.name}" has no field ${missing.join(", ")}; it has ${known}`, {
      code: "SCHEMA_INVALID",
    });
  }
  return avroJsonOf({ ...node, fields: node.fields.filter((field) => fields.includes(field.name)) });
}
