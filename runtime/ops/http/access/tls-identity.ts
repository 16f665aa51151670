import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { ConfigError } from "../../../errors/errors.ts";
import type { HttpOptions } from "./http-options.ts";
import { readOwnerOnly } from "./owner-only-file.ts";

export interface TlsIdentity {
  readonly cert: string;
  readonly key: string;
}

/** @throws {ConfigError} HTTP_TLS if a file cannot be read, the key is not for its owner only, or the two do not fit */
export async function readTlsIdentity({ certFile, keyFile }: NonNullable<HttpOptions["tls"]>): Promise<TlsIdentity> {
  try {
    const identity = { cert: await readFile(certFile, "utf8"), key: (await readOwnerOnly(keyFile)).text };
    createSecureContext(identity);
    return identity;
  } catch (error) {
    const message = `${(error as Error).message}. Give a PEM file with the certificate and those it leads to, and one with its key`;
    throw new ConfigError(
      "the HTTP interface cannot speak HTTPS:",
      [{ code: "HTTP_TLS", at: `${certFile}, ${keyFile}`, message }],
      { cause: error },
    );
  }
}
