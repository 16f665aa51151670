import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/** A certificate and its key, as PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface Authority extends Certificate {
  /** Makes a certificate of a client. */
  issue(name: string): Certificate;
}

const DAY_MS = 86_400_000;

/** An authority of its own: what it issues is trusted by who trusts its certificate. Node makes no certificates, so the few bytes are put together here. */
export function makeAuthority(name: string): Authority {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  return {
    cert: certificate({ subject: name, issuer: name, publicKey, signer: privateKey }),
    key: pem(privateKey),
    issue(subject) {
      const client = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
      const { publicKey: clientKey } = client;
      return {
        cert: certificate({ subject, issuer: name, publicKey: clientKey, signer: privateKey }),
        key: pem(client.privateKey),
      };
    },
  };
}

const pem = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }).toString();

function certificate(options: {
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: KeyObject;
  readonly signer: KeyObject;
}): string {
  const { subject, issuer, publicKey, signer } = options;
  const isAuthority = subject === issuer;
  const content = sequence(
    der(0xa0, integer(Buffer.of(2))),
    integer(Buffer.concat([Buffer.of(1), randomBytes(8)])),
    ECDSA_SHA256,
    commonName(issuer),
    sequence(time(Date.now() - DAY_MS), time(Date.now() + 365 * DAY_MS)),
    commonName(subject),
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(sequence(BASIC_CONSTRAINTS, TRUE, der(0x04, isAuthority ? sequence(TRUE) : sequence())))),
  );
  const signature = der(0x03, Buffer.of(0), sign("sha256", content, signer));
  const text = sequence(content, ECDSA_SHA256, signature)
    .toString("base64")
    .match(/.{1,64}/g)!;
  return ["-----BEGIN CERTIFICATE-----", ...text, "-----END CERTIFICATE-----", ""].join("\n");
}

/** DER: a tag, the length, the content. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, ...parts);
const integer = (bytes: Buffer): Buffer => der(0x02, bytes);
const objectId = (hex: string): Buffer => der(0x06, Buffer.from(hex, "hex"));
const time = (ms: number): Buffer =>
  der(0x17, Buffer.from(`${new Date(ms).toISOString().slice(2, 19).replace(/[-T:]/g, "")}Z`));
const commonName = (name: string): Buffer =>
  sequence(der(0x31, sequence(objectId("550403"), der(0x0c, Buffer.from(name)))));

const TRUE = der(0x01, Buffer.of(0xff));
const BASIC_CONSTRAINTS = objectId("551d13");
const ECDSA_SHA256 = sequence(objectId("2a8648ce3d040302"));
