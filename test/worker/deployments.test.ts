import { describe, expect, it } from "vitest";
import { memoryLog } from "../../runtime/log/embedded/memory-log.ts";
import type { Plan } from "../../runtime/plan/plan.ts";
import { systemClock } from "../../runtime/time/system-clock.ts";
import {
  assertDeployed,
  DEPLOYMENTS,
  type Deployment,
  forgetDeployment,
  readDeployments,
  rememberDeployments,
} from "../../runtime/worker/deployments.ts";
import { codeOf } from "../contract/log-under-test.ts";

const plan = (job: string, version: number, hash = "h") => ({ job, version, hash }) as Plan;
const deployment = (job: string, version: number, droppedStores: readonly string[] = []): Deployment => ({
  ...{ plan: plan(job, version), schemas: [], droppedStores, atMs: systemClock.now(), by: "ana@box", why: "a test" },
});

async function open() {
  const log = await memoryLog({ clock: systemClock, random: Math.random });
  await log.ensureTopics([DEPLOYMENTS]);
  return log;
}

describe("deployments", () => {
  it("are none on a log that has never seen any, and the last one of each job else", async () => {
    expect(await readDeployments(await memoryLog({ clock: systemClock, random: Math.random }))).toEqual(new Map());
    const log = await open();
    await rememberDeployments(log, [deployment("a", 1), deployment("b", 1)]);
    await rememberDeployments(log, [deployment("a", 2)]);
    await forgetDeployment(log, "b", systemClock.now());
    expect(
      [...(await readDeployments(log))].map(
        ([
          job,
          {
            plan: { version },
          },
        ]) => [job, version],
      ),
    ).toEqual([["a", 2]]);
  });

  it("let only that run which they name, and say which stores may be dropped", async () => {
    const log = await open();
    await rememberDeployments(log, [deployment("a", 2, ["old"]), deployment("b", 1)]);
    expect(await assertDeployed(log, [plan("a", 2), plan("b", 1)])).toEqual(["old"]);
    expect(await codeOf(assertDeployed(log, [plan("a", 1)]))).toBe("DEPLOY_DIFFERS");
    expect(await codeOf(assertDeployed(log, [plan("a", 2, "other")]))).toBe("DEPLOY_DIFFERS");
    expect(await codeOf(assertDeployed(log, [plan("c", 1)]))).toBe("DEPLOY_MISSING");
    await expect(assertDeployed(log, [plan("c", 1), plan("b", 2)])).rejects.toMatchObject({
      issues: [
        { code: "DEPLOY_MISSING", at: "job c" },
        { code: "DEPLOY_DIFFERS", at: "job b" },
      ],
    });
  });
});
