import type { DiskFacts, Facts } from "../facts.ts";
import type { Finding } from "../finding.ts";
import { age, bytes, percent } from "../words.ts";

/** Less than this, or than a hundredth, is as good as nothing: LevelDB writes a file anew before it removes the old ones. */
const FULL_BYTES = 32_000_000;
const FULL_SHARE = 0.01;
const SCARCE_SHARE = 0.1;

/** Where state and data lie: whether there is room. */
export function checkDisk({ disks }: Facts): readonly Finding[] {
  return disks.flatMap((disk): Finding[] => {
    const { freeBytes, totalBytes, host } = disk;
    const share = totalBytes === 0 ? 1 : freeBytes / totalBytes;
    const isFull = freeBytes < Math.min(FULL_BYTES, totalBytes * SCARCE_SHARE) || share < FULL_SHARE;
    if (!isFull && share >= SCARCE_SHARE) return [];
    const on = `${disk.path}${host === undefined ? "" : ` on ${host}`}`;
    return [
      {
        check: "disk",
        severity: isFull ? "error" : "warning",
        what: isFull
          ? `the disk of ${on} is full: nothing can be committed there, and jobs end`
          : `the disk of ${on} is nearly full`,
        where: host === undefined ? {} : { worker: host },
        evidence: evidenceOf(disk, share),
        ageMs: undefined,
        todo: "free some space or enlarge the disk, and start the jobs again: nothing that was committed is lost",
      },
    ];
  });
}

function evidenceOf({ freeBytes, totalBytes, usedBytes, shrinksPerSecond }: DiskFacts, share: number): string[] {
  const left = `${bytes(freeBytes)} of ${bytes(totalBytes)} are free (${percent(share)})`;
  const used = usedBytes === undefined ? [] : [`Mulgil has ${bytes(usedBytes)} there`];
  if (shrinksPerSecond === undefined || shrinksPerSecond <= 0) return [left, ...used];
  const fullInMs = (freeBytes / shrinksPerSecond) * 1_000;
  return [left, ...used, `${bytes(shrinksPerSecond)} less every second: full in ${age(fullInMs)}`];
}
