import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { SchemaRegistry } from "../../schemas/registry.ts";

export const registryMissing = (): MulgilError =>
  new MulgilError(
    "values on Kafka carry the id of their schema, and no schema registry is named: give --registry URL, or set MULGIL_REGISTRY",
    { code: "REGISTRY_MISSING" },
  );

/** Where none is named: whatever is asked of it says so. Most commands never ask. */
export const missingRegistry: SchemaRegistry = {
  register: () => Promise.reject(registryMissing()),
  schemaById: () => Promise.reject(registryMissing()),
  latest: () => Promise.reject(registryMissing()),
  versions: () => Promise.reject(registryMissing()),
  subjects: () => Promise.reject(registryMissing()),
  compatibilityOf: () => Promise.reject(registryMissing()),
};
