import type { Mechanism } from "./kafkajs.ts";

const SEPARATOR = "\u0001";

/**
 * SASL OAUTHBEARER (RFC 7628). That of kafkajs takes every answer for a yes: a broker that refuses a token says so in the answer's content, and
 * then takes whatever comes next for a part of the exchange.
 */
export function oauthBearer(token: () => Promise<string>): Mechanism {
  return {
    mechanism: "oauthbearer",
    authenticationProvider: ({ saslAuthenticate }) => ({
      async authenticate() {
        const message = `n,,${SEPARATOR}auth=Bearer ${await token()}${SEPARATOR}${SEPARATOR}`;
        const refusal = await saslAuthenticate({
          request: { encode: async () => withSize(Buffer.from(message)) },
          response: { decode: withoutSize, parse: async (bytes: Buffer) => bytes.toString() },
        });
        if (refusal) throw refused(refusal);
      },
    }),
  };
}

function withSize(bytes: Buffer): Buffer {
  const size = Buffer.alloc(4);
  size.writeInt32BE(bytes.length);
  return Buffer.concat([size, bytes]);
}

const withoutSize = async (bytes: Buffer): Promise<Buffer> => bytes.subarray(4);

const refused = (answer: string): Error =>
  Object.assign(new Error(`the token is refused: ${answer}`), { name: "KafkaJSSASLAuthenticationError" });
