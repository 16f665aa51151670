import { loadInstitutions } from "./institutions.ts";

/** The institutions of this installation: MYDATA_INSTITUTIONS names the file of the table. */
export const institutions = loadInstitutions(process.env["MYDATA_INSTITUTIONS"]);
