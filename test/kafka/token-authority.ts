import { createSign, generateKeyPairSync, type KeyObject } from "node:crypto";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { StartKafkaOptions } from "../../scripts/kafka/start-kafka.ts";

const KEY_ID = "test";
const LISTENER = "listener.name.sasl_ssl.oauthbearer";
const PACKAGE = "org.apache.kafka.common.security.oauthbearer";

/** Signs tokens as an identity provider does; brokers check them by its public key, which lies in a file. */
export class TokenAuthority {
  readonly #key: KeyObject;
  readonly #keysFile: string;

  constructor(folder: string, name: string) {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    this.#key = privateKey;
    this.#keysFile = path.join(folder, `${name}.json`);
    const key = { ...publicKey.export({ format: "jwk" }), kid: KEY_ID, use: "sig", alg: "RS256" };
    writeFileSync(this.#keysFile, JSON.stringify({ keys: [key] }));
  }

  /** What brokers need to know to accept its tokens. A session lives as long as its token, and no longer than `sessionMs`. */
  brokerOptions(sessionMs: number): Pick<StartKafkaOptions, "overrides" | "javaOptions"> {
    const url = pathToFileURL(this.#keysFile).href;
    return {
      overrides: {
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
        "connections.max.reauth.ms": String(sessionMs),
        [`${LISTENER}.sasl.jaas.config`]: `${PACKAGE}.OAuthBearerLoginModule required;`,
        [`${LISTENER}.sasl.server.callback.handler.class`]: `${PACKAGE}.OAuthBearerValidatorCallbackHandler`,
        [`${LISTENER}.sasl.oauthbearer.jwks.endpoint.url`]: url,
        [`${LISTENER}.sasl.oauthbearer.clock.skew.seconds`]: "1",
      },
      javaOptions: [`-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${url}`],
    };
  }

  token(validMs: number): string {
    const nowSeconds = Math.floor(Date.now() / 1000);
    const claims = { sub: "mulgil", iat: nowSeconds, exp: nowSeconds + Math.ceil(validMs / 1000), scope: "all" };
    const content = [{ alg: "RS256", typ: "JWT", kid: KEY_ID }, claims].map(encoded).join(".");
    return `${content}.${createSign("sha256").update(content).sign(this.#key, "base64url")}`;
  }
}

const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString("base64url");
