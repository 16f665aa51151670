import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FormerMembers } from "./former-members.ts";
import type { MemberStatus } from "./member-status.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "mulgil-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const member = (job: string, memberId: string | undefined): MemberStatus => ({
  ...{ job, worker: `${job}-0`, memberId, isAssigned: true, activity: "running", tasks: [] },
});

async function left(): Promise<readonly string[]> {
  const removed: string[] = [];
  await new FormerMembers(folder).leave({
    async removeMember(job, memberId) {
      removed.push(`${job} ${memberId}`);
      throw new Error("the group knows nothing of it");
    },
  });
  return removed;
}

describe("FormerMembers", () => {
  it("leaves the groups for a process that was killed, as it was last", async () => {
    const members = new FormerMembers(folder);
    members.remember([member("a", "a-1")]);
    members.remember([member("a", "a-2"), member("b", "b-1"), member("c", undefined)]);
    await expect.poll(left).toEqual(["a a-2", "b b-1"]);
  });

  it("leaves none for one that has left by itself", async () => {
    const members = new FormerMembers(folder);
    members.remember([member("a", "a-1")]);
    await members.forget();
    expect(await left()).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
  });

  it("does without the file, and with half of one", async () => {
    expect(await left()).toEqual([]);
    await writeFile(path.join(folder, "members.json"), '[{"job":');
    expect(await left()).toEqual([]);
  });
});
