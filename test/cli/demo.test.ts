import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { startMulgil, temporaryFolder } from "./support/mulgil.ts";

/** `npm run demo`, small. What is temporary goes into a folder of its own. */
function startDemo(...args: readonly string[]) {
  const folder = temporaryFolder();
  const demo = startMulgil(["--conditions=mulgil-source", "scripts/demo.ts", ...args], {
    launcher: process.execPath,
    env: { TMPDIR: folder },
  });
  return { demo, folder };
}

const isThere = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
const institutionsIn = (stdout: string): number => Number(/institutions \(process (\d+)\)/.exec(stdout)![1]);

/** With this seed two customers leave, and one withdraws from the institution that is down. */
const SMALL = ["--customers", "100", "--arrivals", "6", "--outage-from", "0", "--outage-until", "8", "--seed", "16"];

describe("npm run demo", () => {
  it("collects everything though an institution was down, and shows that it adds up", async () => {
    const { demo, folder } = startDemo(...SMALL);
    const { code, stdout, stderr } = await demo.ended;
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("bank-03 is down");
    expect(stdout).toContain("bank-03 is up again");
    const lines = [
      /^✓ {2}requests {2,}([\d,]+) sent = [\d,]+ succeeded, [\d,]+ unchanged, \d+ superseded, 0 failed, \d+ erased$/m,
      /^✓ {2}one end each {2,}[\d,]+ ids, [\d,]+ ends$/m,
      /^✓ {2}bank-03's outage {2,}(\d+) of \1 requests succeeded behind it, \d+ erased; longest wait [\d.]+ s$/m,
      /^✓ {2}collected once {2,}[\d,]+ delivered, [\d,]+ succeeded, 0 repeated$/m,
      /^✓ {2}dead letters {2,}3 MYDATA_UNKNOWN_ACTION, 3 on purpose$/m,
      /^✓ {2}profiles {2,}98 of 98 complete, for \d+ consents; 2 of 2 who left forgotten$/m,
      /^✓ {2}analyses {2,}([\d,]+) of \1 months equal a plain sum over [\d,]+ collected transactions$/m,
      /^everything adds up$/m,
    ];
    for (const line of lines) expect(stdout).toMatch(line);
    const sent = Number(lines[0]!.exec(stdout)![1]!.replaceAll(",", ""));
    expect(sent).toBeGreaterThan(80);
    expect(readdirSync(folder)).toEqual([]);
    expect(isThere(institutionsIn(stdout))).toBe(false);
  }, 180_000);

  it("leaves no process and no folder behind when it is interrupted", async () => {
    const { demo, folder } = startDemo(...SMALL);
    await demo.until(({ stdout }) => /requests [1-9]/.test(stdout));
    const institutions = institutionsIn(demo.output.stdout);
    expect(isThere(institutions)).toBe(true);
    demo.process.kill("SIGINT");
    expect(await demo.ended).toMatchObject({ code: 130 });
    await expect.poll(() => isThere(institutions)).toBe(false);
    expect(readdirSync(folder)).toEqual([]);
  }, 120_000);

  it("takes its institutions along when it is killed", async () => {
    const { demo } = startDemo(...SMALL);
    await demo.until(({ stdout }) => stdout.includes("institutions (process"));
    const institutions = institutionsIn(demo.output.stdout);
    expect(isThere(institutions)).toBe(true);
    demo.process.kill("SIGKILL");
    await demo.ended;
    await expect.poll(() => isThere(institutions)).toBe(false);
  }, 60_000);
});
