import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { LOOPBACK } from "./free-ports.ts";
import { jdkProgram } from "./variables.ts";

const run = promisify(execFile);

/** Makes a key and a certificate of the loopback address with the JDK's keytool. The certificate is its own authority. */
export async function makeTlsIdentity(
  folder: string,
  password: string,
): Promise<{ readonly keystore: string; readonly caFile: string }> {
  const keystore = path.join(folder, "broker.p12");
  const caFile = path.join(folder, "ca.pem");
  if (existsSync(keystore)) return { keystore, caFile };
  const store = ["-keystore", keystore, "-storetype", "PKCS12", "-storepass", password, "-alias", "broker"];
  const name = ["-dname", "CN=localhost", "-ext", `san=ip:${LOOPBACK},dns:localhost`, "-ext", "bc=ca:true"];
  await run(jdkProgram("keytool"), [
    "-genkeypair",
    "-keyalg",
    "EC",
    "-groupname",
    "secp256r1",
    "-validity",
    "3650",
    ...name,
    ...store,
  ]);
  const { stdout } = await run(jdkProgram("keytool"), ["-exportcert", "-rfc", ...store]);
  await writeFile(caFile, stdout);
  return { keystore, caFile };
}
