import { readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Log } from "../log/port.ts";
import type { MemberStatus } from "./member-status.ts";

interface FormerMember {
  readonly job: string;
  readonly memberId: string;
}

/**
 * The members of groups that the process of a data directory is, in a file there. A process that was killed could not leave its groups: they wait
 * for it until its session is over, and all their members stand still once another one joins. Whoever has the directory next knows that it is gone,
 * and leaves for it.
 */
export class FormerMembers {
  readonly #file: string;
  #writing: Promise<void> = Promise.resolve();

  constructor(dataDir: string) {
    this.#file = path.join(dataDir, "members.json");
  }

  /** What goes wrong is left to the session's time-out. */
  async leave(log: Pick<Log, "removeMember">): Promise<void> {
    await Promise.allSettled((await this.#read()).map(({ job, memberId }) => log.removeMember(job, memberId)));
  }

  remember(members: readonly MemberStatus[]): void {
    const joined = members.flatMap(({ job, memberId }) => (memberId === undefined ? [] : [{ job, memberId }]));
    this.#then(async () => {
      await writeFile(`${this.#file}.new`, `${JSON.stringify(joined)}\n`, { mode: 0o600 });
      await rename(`${this.#file}.new`, this.#file);
    });
  }

  /** All have left by themselves. */
  async forget(): Promise<void> {
    this.#then(() => rm(this.#file, { force: true }));
    await this.#writing;
  }

  /** A file that cannot be written costs time after a crash, and nothing else. */
  #then(write: () => Promise<void>): void {
    this.#writing = this.#writing.then(write).catch(() => undefined);
  }

  async #read(): Promise<readonly FormerMember[]> {
    try {
      return JSON.parse(await readFile(this.#file, "utf8")) as readonly FormerMember[];
    } catch {
      // There is none, or nothing that could be used.
      return [];
    }
  }
}
