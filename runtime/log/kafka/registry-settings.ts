import { readFile } from "node:fs/promises";
import type { ConfluentRegistryOptions } from "../../../schemas/registry-requests.ts";
import type { Issue } from "../../errors/errors.ts";
import { contentOf } from "./setting-file.ts";

/** How the schema registry is reached. */
export interface RegistryVariables {
  /** Its address. */
  readonly MULGIL_REGISTRY?: string | undefined;
  readonly MULGIL_REGISTRY_USER?: string | undefined;
  readonly MULGIL_REGISTRY_PASSWORD?: string | undefined;
  readonly MULGIL_REGISTRY_PASSWORD_FILE?: string | undefined;
  /** PEM file of the authorities to trust. */
  readonly MULGIL_REGISTRY_CA_FILE?: string | undefined;
}

export async function registryFrom(
  variables: RegistryVariables,
  issues: Issue[],
): Promise<ConfluentRegistryOptions | undefined> {
  const { MULGIL_REGISTRY: url } = variables;
  if (url === undefined || url === "") return undefined;
  checkAddress(url, issues);
  const ca = await contentOf("MULGIL_REGISTRY_CA_FILE", variables, issues);
  const auth = await authFrom(variables, issues);
  return { url, ...(auth !== undefined && { auth }), ...(ca !== undefined && { ca }) };
}

/** What is wrong is not shown: it may hold a password. */
function checkAddress(url: string, issues: Issue[]): void {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const issue = (message: string) => issues.push({ code: "REGISTRY_ADDRESS", at: "MULGIL_REGISTRY", message });
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol))
    issue(
      "this is no address of a schema registry: write http://host:port or https://…, with the path if there is one",
    );
  else if (parsed.username !== "" || parsed.password !== "")
    issue(
      "user and password do not belong into the address, which is shown: set MULGIL_REGISTRY_USER and MULGIL_REGISTRY_PASSWORD_FILE",
    );
}

async function authFrom(variables: RegistryVariables, issues: Issue[]): Promise<ConfluentRegistryOptions["auth"]> {
  const { MULGIL_REGISTRY_USER: username, MULGIL_REGISTRY_PASSWORD_FILE: file } = variables;
  const inFile = await contentOf("MULGIL_REGISTRY_PASSWORD_FILE", variables, issues);
  // The file is read again with every request: whoever changes the password puts a new one in its place.
  const password =
    inFile === undefined ? variables.MULGIL_REGISTRY_PASSWORD : async () => (await readFile(file!, "utf8")).trim();
  if (username !== undefined && password !== undefined) return { username, password };
  const isHalf = username !== undefined || password !== undefined;
  if (isHalf && !issues.some(({ at }) => at === "MULGIL_REGISTRY_PASSWORD_FILE"))
    issues.push({
      code: "REGISTRY_USER",
      at: "MULGIL_REGISTRY_USER",
      message: "a user needs a password in MULGIL_REGISTRY_PASSWORD_FILE or MULGIL_REGISTRY_PASSWORD, and the reverse",
    });
  return undefined;
}
