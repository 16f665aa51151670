import { LinkFactory, type Mechanism, type SASLOptions } from "./kafkajs.ts";
import { oauthBearer } from "./oauth-bearer.ts";

export type KafkaSasl =
  | {
      readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
      readonly username: string;
      readonly password: string;
    }
  | { readonly mechanism: "oauthbearer"; readonly token: () => Promise<string> };

/** PEM texts. Without a certificate of an authority, those of the machine are trusted. */
export interface KafkaTls {
  readonly ca?: string;
  /** With `key`: shows the brokers who this is (mutual TLS). */
  readonly cert?: string;
  readonly key?: string;
}

/** How brokers are reached. Secrets are in here: never print it. */
export interface KafkaConnection {
  /** `host:port` of some brokers; the others are found through them. */
  readonly brokers: readonly string[];
  /** In the broker's logs and quotas. @default "mulgil" */
  readonly clientId?: string;
  /** @default no TLS */
  readonly tls?: KafkaTls;
  /** @default no authentication */
  readonly sasl?: KafkaSasl;
  /** How long an answer may take before the connection counts as broken, and the call is tried again. @default 30_000 */
  readonly requestTimeoutMs?: number;
}

const CONNECT_MAX_MS = 10_000;
const REQUEST_MAX_MS = 30_000;
/**
 * Where brokers limit sessions (connections.max.reauth.ms), kafkajs shows again who it is with the first request that comes this shortly before
 * the end. It must be short: in a session that is shorter, each request would, and brokers refuse that more than once a second.
 */
const REAUTHENTICATE_BEFORE_MS = 1_000;

export function linkFactory({ brokers, clientId, tls, sasl, requestTimeoutMs }: KafkaConnection): LinkFactory {
  return new LinkFactory({
    brokers: [...brokers],
    clientId: clientId ?? "mulgil",
    connectionTimeout: CONNECT_MAX_MS,
    authenticationTimeout: CONNECT_MAX_MS,
    reauthenticationThreshold: REAUTHENTICATE_BEFORE_MS,
    requestTimeout: requestTimeoutMs ?? REQUEST_MAX_MS,
    ...(tls !== undefined && { ssl: { ...tls } }),
    ...(sasl !== undefined && { sasl: saslOptions(sasl) }),
  });
}

const saslOptions = (sasl: KafkaSasl): SASLOptions | Mechanism =>
  sasl.mechanism === "oauthbearer" ? oauthBearer(sasl.token) : ({ ...sasl } as SASLOptions);
