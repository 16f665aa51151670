import type { MemberStatus, ProcessIdentity } from "../../worker/member-status.ts";
import type { DiskFacts, JobFacts } from "./facts.ts";

/** The disks of workers, as their processes tell them; without those of this machine that were looked at already: two that are equal to the byte are one. */
export function workerDisks(
  jobs: readonly Pick<JobFacts, "workers">[],
  known: readonly DiskFacts[],
  isAlive: (process: ProcessIdentity) => boolean | undefined,
): readonly DiskFacts[] {
  const disks = new Map<string, DiskFacts>();
  for (const { status, member } of jobs.flatMap(({ workers }) => workers)) {
    const { process } = member;
    if (status?.disk === undefined || process === undefined) continue;
    const isHere = isAlive(process) !== undefined;
    if (isHere && known.some(({ totalBytes }) => totalBytes === status.disk!.totalBytes)) continue;
    const usedBytes = (disks.get(process.address)?.usedBytes ?? 0) + stateBytes(status);
    const { host, pid } = process;
    disks.set(process.address, {
      ...{ host, path: `the state of process ${pid}`, ...status.disk, usedBytes, shrinksPerSecond: undefined },
    });
  }
  return [...disks.values()];
}

const stateBytes = ({ tasks }: MemberStatus): number =>
  tasks.flatMap(({ stores = [] }) => stores).reduce((sum, { bytes }) => sum + bytes, 0);
