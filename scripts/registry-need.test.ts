import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Command } from "commander";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";

const folder = mkdtempSync(path.join(tmpdir(), "mulgil-registry-need-"));
const file = (name: string, content: string): string => {
  writeFileSync(path.join(folder, name), content);
  return path.join(folder, name);
};
const JOB_FILE = path.resolve("jobs/bank/account-months.ts");
const transform = file("mend.mjs", "export default (letter) => letter;\n");
const rows = file("rows.ndjson", "{}\n");

/** Without a registry they end before anything is opened: they would fail half-way, or can do nothing. */
const NEEDS_IT = [
  ["write", "events", "--file", rows],
  ["deploy", JOB_FILE, "--yes", "--why", "x"],
  ["run", JOB_FILE],
  ["schemas", "ls"],
  ["schemas", "check"],
  ["schemas", "diff", "events"],
  ["schemas", "register", "--yes", "--why", "x"],
  ["dlq", "redrive", "totals", "--transform", transform, "--yes", "--why", "x"],
  ["replay", "start", "events", "--to-topic", "copies", "--yes", "--why", "x"],
  ["replay", "resume", "0a1b2c3d", "--yes", "--why", "x"],
];
/** Opens nothing: it writes down which registry others are to use. */
const NOT_ON_A_LOG = ["profile add"];
/** They go to the brokers, and ask for a registry at most when something has to be decoded, before they change anything. */
const GOES_WITHOUT = [
  ["jobs"],
  ["status", "totals"],
  ["state", "get", "totals", "sums", "a"],
  ["state", "scan", "totals", "sums"],
  ["state", "size", "totals"],
  ["state", "verify", "totals"],
  ["pause", "totals", "--yes", "--why", "x"],
  ["drain", "totals", "--yes", "--why", "x"],
  ["resume", "totals", "--yes", "--why", "x"],
  ["restart", "totals", "--yes", "--why", "x"],
  ["scale", "totals", "2", "--yes", "--why", "x"],
  ["scale", "totals", "--advise"],
  ["lag"],
  ["doctor"],
  ["read", "events"],
  ["compare", "totals", "totals.green"],
  ["topics"],
  ["circuits", "ls"],
  ["circuits", "open", "bank-1", "--job", "totals", "--yes", "--why", "x"],
  ["circuits", "close", "bank-1", "--job", "totals", "--yes", "--why", "x"],
  ["circuits", "reset", "bank-1", "--job", "totals", "--yes", "--why", "x"],
  ["held", "ls"],
  ["retries", "ls"],
  ["retries", "release", "totals", "--yes", "--why", "x"],
  ["retries", "expire", "totals", "--yes", "--why", "x"],
  ["dlq", "ls"],
  ["dlq", "show", "totals"],
  ["dlq", "redrive", "totals", "--yes", "--why", "x"],
  ["dlq", "purge", "totals", "--yes", "--why", "x"],
  ["describe", "totals"],
  ["replay", "ls"],
  ["reset", "totals", "--to", "earliest", "--yes", "--why", "x"],
  ["undeploy", "totals", "--yes", "--why", "x"],
  ["acl", "print", "totals", "--principal", "User:totals"],
  ["audit"],
];

function commandsWithRegistry(command: Command, name = ""): readonly string[] {
  const below = command.createHelp().visibleCommands(command);
  const own = below.filter((each) => each.name() !== "help");
  if (own.length > 0) return own.flatMap((each) => commandsWithRegistry(each, `${name} ${each.name()}`.trim()));
  return command.options.some(({ long }) => long === "--registry") ? [name] : [];
}

async function portOfNobody(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  await once(server.close(), "close");
  return port;
}

describe("without --registry, on brokers that cannot be reached", () => {
  let createProgram: () => Command;
  let brokers: string;
  let printed: string;
  beforeAll(async () => {
    vi.stubEnv("MULGIL_REGISTRY", undefined);
    vi.stubEnv("MULGIL_KAFKA_PATIENCE_MS", "1000");
    ({ createProgram } = await import("./program.ts"));
    brokers = `127.0.0.1:${await portOfNobody()}`;
  });
  beforeEach(() => {
    printed = "";
    const keep = (text: unknown) => {
      printed += String(text);
      return true;
    };
    vi.spyOn(process.stdout, "write").mockImplementation(keep);
    vi.spyOn(process.stderr, "write").mockImplementation(keep);
  });
  afterEach(() => {
    vi.restoreAllMocks();
    // What a command finds wrong is not about this process.
    process.exitCode = undefined;
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The code that it ends with, or what it prints. */
  async function outcome(command: readonly string[]): Promise<string> {
    const args = [...command, "--kafka", brokers, "--data-dir", path.join(folder, "data")];
    try {
      await createProgram().parseAsync(args, { from: "user" });
      return printed;
    } catch (error) {
      return (error as { readonly code: string }).code;
    }
  }

  it("every command is in one of the tables", () => {
    const named = [...NEEDS_IT, ...GOES_WITHOUT].map((command) => command.join(" "));
    const unnamed = commandsWithRegistry(createProgram()).filter(
      (name) => !NOT_ON_A_LOG.includes(name) && !named.some((each) => each === name || each.startsWith(`${name} `)),
    );
    expect(unnamed).toEqual([]);
  });

  it.each(NEEDS_IT.map((command) => ({ name: command.slice(0, 2).join(" "), command })))(
    "mulgil $name says at once that it needs one",
    async ({ command }) => {
      expect(await outcome(command)).toBe("REGISTRY_MISSING");
    },
  );

  it.each(GOES_WITHOUT.map((command) => ({ name: command.slice(0, 2).join(" "), command })))(
    "mulgil $name goes to the brokers",
    async ({ command }) => {
      expect(await outcome(command)).toContain("LOG_UNREACHABLE");
    },
  );
});
