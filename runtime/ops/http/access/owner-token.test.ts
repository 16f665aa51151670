import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { isOwnerToken, newOwnerToken, ownerTokenFile, removeOwnerToken, writeOwnerToken } from "./owner-token.ts";

const ADDRESS = "http://127.0.0.1:4711";

function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), "mulgil-owner-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

describe("the token of the owner of a data directory", () => {
  it("is there for the owner only, while its process runs", async () => {
    const dataDir = folder();
    const token = newOwnerToken();
    await writeOwnerToken(dataDir, ADDRESS, token);
    const file = await ownerTokenFile(dataDir, ADDRESS);
    expect(readFileSync(file!, "utf8").trim()).toBe(token);
    expect(statSync(file!).mode & 0o777).toBe(0o600);
    expect(await ownerTokenFile(dataDir, "http://127.0.0.1:4712")).toBeUndefined();
    await removeOwnerToken(dataDir, ADDRESS);
    expect(await ownerTokenFile(dataDir, ADDRESS)).toBeUndefined();
  });

  it("is made anew by each process, whatever a killed one has left", async () => {
    const dataDir = folder();
    for (const name of ["http-4711.token", "http-9.token"]) {
      writeFileSync(path.join(dataDir, name), "old\n");
      chmodSync(path.join(dataDir, name), 0o644);
    }
    await writeOwnerToken(dataDir, ADDRESS, "new");
    expect(await ownerTokenFile(dataDir, "http://127.0.0.1:9")).toBeUndefined();
    expect(statSync(path.join(dataDir, "http-4711.token")).mode & 0o777).toBe(0o600);
  });

  it("is recognised whole, and never where there is none", () => {
    const token = newOwnerToken();
    expect(isOwnerToken(token, token)).toBe(true);
    for (const wrong of ["", token.slice(1), newOwnerToken()]) expect(isOwnerToken(wrong, token)).toBe(false);
    expect(isOwnerToken("", undefined)).toBe(false);
  });
});
