import { MulgilError } from "../../schemas/mulgil-error.ts";
import type { Profile } from "./profile-file.ts";

/** What a profile may set: how a cluster is reached, and where data lies. */
const ALLOWED = /^MULGIL_(DATA_DIR|KAFKA|REGISTRY|HTTP)(_[A-Z_]+)?$/;
/** What holds a secret itself has a sister that names a file: MULGIL_KAFKA_PASSWORD_FILE. */
const SECRET = /(PASSWORD|TOKEN|SECRET|KEY)$/;

/** @throws {MulgilError} PROFILE_SETTING, PROFILE_SECRET */
export function checkProfile(profile: Profile): void {
  for (const [name, value] of Object.entries(profile)) {
    if (!ALLOWED.test(name)) {
      throw new MulgilError(
        `a profile cannot set ${name}: it says how a cluster is reached (MULGIL_KAFKA…, MULGIL_REGISTRY…, MULGIL_DATA_DIR), as docs/KAFKA.md lists it`,
        { code: "PROFILE_SETTING" },
      );
    }
    if (SECRET.test(name) || hasPassword(value)) {
      throw new MulgilError(
        `${name} would be a secret in a file of profiles: put it into a file of its own that only you may read, and set the variable that ends in _FILE`,
        { code: "PROFILE_SECRET" },
      );
    }
  }
}

const hasPassword = (value: string): boolean => URL.canParse(value) && new URL(value).password !== "";
