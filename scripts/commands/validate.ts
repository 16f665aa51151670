import type { Command } from "commander";
import { MulgilError } from "../../schemas/mulgil-error.ts";
import { engine } from "../environment/engine.ts";
import { loadJobs } from "../job-files/load-jobs.ts";
import { problemOf } from "../output/problem.ts";
import { TextOutput } from "../output/text-output.ts";
import { examples } from "./options.ts";

interface Finding {
  readonly file: string;
  readonly job?: string;
  readonly code: string;
  readonly at?: string;
  readonly message: string;
}

export function addValidate(program: Command): void {
  program
    .command("validate")
    .description("report every mistake of some jobs at once, without running them")
    .argument("<job files...>", "TypeScript files that export jobs")
    .addHelpText("after", examples("mulgil validate jobs/bank/*.ts"))
    .action(validateFiles);
}

/** A file that cannot be loaded does not hide the mistakes of the others. */
async function validateFiles(files: readonly string[]): Promise<void> {
  const output = new TextOutput(process.stdout);
  const { jobs, findings } = await check(files);
  for (const { file, job, code, at, message } of findings) {
    const place = [file, job && `job ${job}`, at].filter(Boolean).join(", ");
    await output.line(`${place}\n  ${code}  ${message}`);
  }
  if (findings.length === 0) await output.line(`no mistakes in ${jobs.join(", ")}`);
  await output.flush();
  if (findings.length > 0) {
    throw new MulgilError(
      `${findings.length === 1 ? "1 mistake" : `${findings.length} mistakes`} in ${new Set(findings.map(({ file }) => file)).size} of ${files.length} files`,
      {
        code: "VALIDATE_FAILED",
      },
    );
  }
}

async function check(
  files: readonly string[],
): Promise<{ readonly jobs: readonly string[]; readonly findings: readonly Finding[] }> {
  try {
    const loaded = (await loadJobs(files)).flatMap(({ file, jobs }) => jobs.map((job) => ({ file, job })));
    const { validate } = await engine();
    const findings = loaded.flatMap(({ file, job }) =>
      validate(job).map((issue) => ({ file, job: job.name, ...issue })),
    );
    return { jobs: loaded.map(({ job }) => job.name), findings };
  } catch (error) {
    const result = files.length === 1 ? undefined : await each(files);
    if (result === undefined || result.findings.length === 0) throw error;
    return result;
  }
}

/** File by file, once they cannot be loaded together. */
async function each(
  files: readonly string[],
): Promise<{ readonly jobs: readonly string[]; readonly findings: readonly Finding[] }> {
  const jobs: string[] = [];
  const findings: Finding[] = [];
  for (const file of files) {
    try {
      const result = await check([file]);
      jobs.push(...result.jobs);
      findings.push(...result.findings);
    } catch (error) {
      const { code, message } = problemOf(error);
      if (code !== "JOB_FILE_EMPTY") findings.push({ file, code, message });
    }
  }
  return { jobs, findings };
}
