import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { ManualClock } from "../../../testing/manual-clock.ts";
import { TokenFile } from "./token-file.ts";

const FIRST = "the-token-of-the-first";
const SECOND = "the-token-of-the-second";
const WRONG = { kind: "refused", reason: "wrong" };

function tokenFile(text: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), "mulgil-tokens-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, "tokens");
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

describe("TokenFile", () => {
  it("obeys a change of the file within a second", async () => {
    const file = tokenFile(`viewer:${FIRST}\n`);
    const clock = new ManualClock(0);
    const tokens = await TokenFile.open(file, clock);
    expect(await tokens.login(FIRST)).toMatchObject({ kind: "known", caller: { role: "viewer" } });
    expect(await tokens.login(SECOND)).toEqual(WRONG);
    writeFileSync(file, `operator:${SECOND}\n`);
    clock.advance(1_000);
    expect(await tokens.login(FIRST)).toEqual(WRONG);
    expect(await tokens.login(SECOND)).toMatchObject({ kind: "known", caller: { role: "operator" } });
  });

  it.each([
    ["is gone", (file: string) => rmSync(file)],
    ["is wrong", (file: string) => writeFileSync(file, "viewer")],
    [
      "can be read by others",
      (file: string) => {
        writeFileSync(file, `viewer:${FIRST}\n\n`);
        chmodSync(file, 0o604);
      },
    ],
  ])("lets nobody in while it %s, and goes on when it is right again", async (_what, spoil) => {
    const file = tokenFile(`viewer:${FIRST}\n`);
    const clock = new ManualClock(0);
    const tokens = await TokenFile.open(file, clock);
    spoil(file);
    clock.advance(1_000);
    expect(await tokens.login(FIRST)).toEqual({ kind: "undecided" });
    rmSync(file, { force: true });
    writeFileSync(file, `viewer:${FIRST}\n`, { mode: 0o600 });
    clock.advance(1_000);
    expect(await tokens.login(FIRST)).toMatchObject({ kind: "known" });
  });

  it.each([0o604, 0o602, 0o620])("is not opened where others than its owner may use it: %o", async (mode) => {
    const file = tokenFile(`viewer:${FIRST}\n`);
    chmodSync(file, mode);
    const opening = TokenFile.open(file, new ManualClock(0));
    await expect(opening).rejects.toMatchObject({ code: "HTTP_TOKENS", message: expect.stringContaining("chmod 600") });
    await expect(opening).rejects.not.toMatchObject({ message: expect.stringContaining(FIRST) });
  });

  it("is not opened where there is none, or no token in it", async () => {
    const file = tokenFile("");
    await expect(TokenFile.open(file, new ManualClock(0))).rejects.toMatchObject({ code: "HTTP_TOKENS" });
    await expect(TokenFile.open(`${file}-not`, new ManualClock(0))).rejects.toMatchObject({ code: "HTTP_TOKENS" });
  });
});
