import type { Role } from "../worker-routes.ts";

/** Who may use the HTTP interface of a process, and how it is reached. Secrets are in files, never in here. */
export interface HttpOptions {
  /**
   * A file with a token a line, behind its role: `operator:<token>`, or `operator:sha256:<hex>` for a token that the file does not tell. Empty lines and
   * those that begin with # say nothing. Only its owner may read it. It is read again when it changes.
   */
  readonly tokensFile?: string;
  /** Tokens of an identity provider. */
  readonly oidc?: OidcOptions;
  /** PEM files; the interface speaks HTTPS then. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  /** Everybody who can reach the address is a viewer. @default false: an address beyond this machine needs tokens or OIDC */
  readonly isOpen?: boolean;
  /** Only viewers may scrape GET /metrics. @default false: it needs no token */
  readonly areMetricsGuarded?: boolean;
}

export interface OidcOptions {
  /** Its URL, exactly as it stands in tokens; https, or http on this machine. */
  readonly issuer: string;
  /** Tokens must be meant for it. */
  readonly audience: string;
  /** Where in a token the names of roles are: a claim, or a path of claims by dots. @default "roles" */
  readonly rolesClaim?: string;
  /** What the roles are called there. @default mulgil-viewer, mulgil-operator, mulgil-admin */
  readonly roleNames?: Readonly<Partial<Record<Role, string>>>;
}
