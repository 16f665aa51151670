import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import type { Behaviour } from "../institutions/behaviour.ts";
import type { InstitutionStats } from "../institutions/institution-stats.ts";

/** Institutions in a process, and so on a core, of their own. */
export interface InstitutionsProcess {
  readonly pid: number;
  urlOf(id: string): string;
  configure(id: string, behaviour: Partial<Behaviour>): Promise<void>;
  /** By id. */
  stats(): Promise<ReadonlyMap<string, InstitutionStats>>;
  close(): Promise<void>;
}

const PROGRAM = path.resolve(import.meta.dirname, "../institutions/serve.ts");

/** Ends with this process, however that ends: where nothing can be run any more, its channel closes. */
export async function startInstitutionsProcess(count: number, seed: number): Promise<InstitutionsProcess> {
  const args = [...process.execArgv, PROGRAM, "--count", String(count), "--seed", String(seed)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit", "ipc"] });
  const ended = once(child, "exit");
  process.once("exit", () => child.kill("SIGKILL"));
  const address = await addressOf(child);
  const admin = `${address}/_admin/institutions`;
  return {
    pid: child.pid!,
    urlOf: (id) => `${address}/${id}`,
    async configure(id, behaviour) {
      const response = await fetch(`${admin}/${id}/behaviour`, { method: "PATCH", body: JSON.stringify(behaviour) });
      if (!response.ok) throw new Error(`${id} cannot be configured: ${await response.text()}`);
    },
    async stats() {
      const all = (await (await fetch(admin)).json()) as { readonly id: string; readonly stats: InstitutionStats }[];
      return new Map(all.map(({ id, stats }) => [id, stats]));
    },
    async close() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** The first lines that it prints say where it is. */
async function addressOf({ stdout }: ChildProcess): Promise<string> {
  let printed = "";
  for await (const chunk of stdout!.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
    printed += chunk;
    const found = /institutions at (\S+):\n/.exec(printed);
    if (found === null) continue;
    stdout!.resume();
    return found[1]!;
  }
  throw new Error(`the institutions did not start: ${printed}`);
}
