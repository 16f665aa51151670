import { existsSync, statSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Job } from "../../runtime/index.ts";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { loadError } from "./load-error.ts";
import { resolveOwnPackage } from "./own-package.ts";

export interface JobFile {
  readonly file: string;
  readonly jobs: readonly Job[];
}

/**
 * The jobs that files export, by default or by name, in the order of the files. A pattern like `jobs/bank/*.ts` may also match files
 * without a job, and tests: they are passed over as long as there is a job somewhere.
 * @throws {MulgilError} JOB_FILE_MISSING, JOB_FILE_LOAD, JOB_FILE_EMPTY, JOB_NAME_DUPLICATE
 */
export async function loadJobs(files: readonly string[]): Promise<readonly JobFile[]> {
  for (const file of files) assertFile(file);
  resolveOwnPackage();
  const candidates =
    files.length === 1 ? files : files.filter((file) => !/\.(?:test|spec)\.[cm]?[jt]s$|\.d\.[cm]?ts$/.test(file));
  const seen = new Map<Job, string>();
  const loaded: JobFile[] = [];
  for (const file of candidates) {
    const jobs = jobsOf(await load(file)).filter((job) => !seen.has(job));
    for (const job of jobs) {
      assertNameIsFree(job, file, seen);
      seen.set(job, file);
    }
    if (jobs.length > 0) loaded.push({ file, jobs });
  }
  if (loaded.length > 0) return loaded;
  const which = files.length === 1 ? `${files[0]} exports no job` : `none of the ${files.length} files exports a job`;
  throw new MulgilError(`${which}: a job file says export default defineJob({ … })`, { code: "JOB_FILE_EMPTY" });
}

function assertFile(file: string): void {
  if (!existsSync(file))
    throw new MulgilError(`the job file ${file} does not exist: check its name`, { code: "JOB_FILE_MISSING" });
  if (statSync(file).isDirectory()) {
    throw new MulgilError(`${file} is a folder: name the files in it, like ${path.join(file, "*.ts")}`, {
      code: "JOB_FILE_MISSING",
    });
  }
}

function assertNameIsFree(job: Job, file: string, seen: ReadonlyMap<Job, string>): void {
  for (const [other, otherFile] of seen) {
    if (other.name !== job.name) continue;
    const where = file === otherFile ? file : `${otherFile} and ${file}`;
    throw new MulgilError(
      `two jobs are called "${job.name}", in ${where}: the name is in topics and folders, so give one of them another`,
      {
        code: "JOB_NAME_DUPLICATE",
      },
    );
  }
}

async function load(file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await import(pathToFileURL(path.resolve(file)).href);
  } catch (error) {
    throw loadError(file, error);
  }
}

function jobsOf(exports: Readonly<Record<string, unknown>>): readonly Job[] {
  const { default: main, ...named } = exports;
  return [...new Set([main, ...Object.values(named)])].filter(isJob);
}

function isJob(value: unknown): value is Job {
  if (typeof value !== "object" || value === null) return false;
  const { name, version, topology } = value as Partial<Job>;
  return typeof name === "string" && version !== undefined && Array.isArray(topology?.nodes);
}
