import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { onTestFinished } from "vitest";

/** An identity provider on this machine, with one key. */
export async function startIssuer() {
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const jwk: JWK = { ...(await exportJWK(publicKey)), kid: "first", alg: "ES256", use: "sig" };
  const status = { answers: true, keys: [jwk] };
  let asked = 0;
  const server = createServer((request, response) => {
    asked++;
    if (!status.answers) return void response.writeHead(503).end();
    const body = request.url === "/keys" ? { keys: status.keys } : { issuer, jwks_uri: `${issuer}/keys` };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    ...{ issuer, status, privateKey, publicKey, jwk },
    asked: () => asked,
    /** Of somebody, for the audience "mulgil", for an hour. */
    token(
      claims: Readonly<Record<string, unknown>> = {},
      { key = privateKey, header = {} }: TokenChange = {},
    ): Promise<string> {
      const nowSeconds = Math.floor(Date.now() / 1_000);
      return new SignJWT({
        ...{ iss: issuer, aud: "mulgil", sub: "someone", iat: nowSeconds, exp: nowSeconds + 3_600 },
        ...{ roles: ["mulgil-viewer"], ...claims },
      })
        .setProtectedHeader({ alg: "ES256", kid: "first", ...header })
        .sign(key);
    },
  };
}

interface TokenChange {
  readonly key?: CryptoKey | Uint8Array;
  readonly header?: { readonly alg?: string; readonly kid?: string };
}
