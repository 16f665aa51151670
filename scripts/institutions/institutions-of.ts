import { industries } from "./institution.ts";
import type { InstitutionDefinition } from "./start-institutions.ts";

/** So many institutions, of the industries in turn: bank-01, card-01, insu-01, bank-02, … */
export const institutionsOf = (count: number): readonly InstitutionDefinition[] =>
  Array.from({ length: count }, (_, index) => {
    const industry = industries[index % industries.length]!;
    return { id: `${industry}-${String(Math.floor(index / industries.length) + 1).padStart(2, "0")}`, industry };
  });
