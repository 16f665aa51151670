import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AccountMonthTotals, groupBy } from "../../scripts/demo/bank-oracle.ts";
import type { RunningKafka } from "../../scripts/kafka/start-kafka.ts";
import { type RunningRegistry, startRegistry } from "../../scripts/kafka/start-registry.ts";
import { type BankFile, bankFile } from "../cli/support/bank-file.ts";
import { mulgil, objectsIn, startMulgil } from "../cli/support/mulgil.ts";
import { canStartKafka, canStartRegistry, startTestKafka } from "./broker-for-tests.ts";

const isPossible = (await canStartKafka()) && (await canStartRegistry());
const JOBS = ["jobs/bank/standardise.ts", "jobs/bank/account-months.ts"];

describe.skipIf(!isPossible)("the bank's jobs on Kafka, from the command line", () => {
  let home: string;
  let bank: BankFile;
  let kafka: RunningKafka;
  let registry: RunningRegistry;

  beforeAll(async () => {
    home = mkdtempSync(path.join(tmpdir(), "mulgil-bank-kafka-"));
    bank = bankFile(home);
    kafka = await startTestKafka({});
    registry = await startRegistry({ dir: path.join(home, "registry") });
  }, 240_000);
  afterAll(async () => {
    await registry?.stop();
    await kafka?.stop();
    rmSync(home, { recursive: true, force: true });
  });

  const onKafka = (...args: readonly string[]) => [...args, "--kafka", kafka.bootstrap, "--registry", registry.url];
  const runArgs = (name: string, ...args: readonly string[]) =>
    onKafka("run", ...JOBS, "--data-dir", path.join(home, name), "--until-idle", "--progress-every", "50ms", ...args);

  it("end in the totals of a plain GROUP BY, none repeated, though one of two processes is killed with -9 and comes back", async () => {
    const written = await mulgil(onKafka("write", "bank.raw-transactions", "--file", bank.file));
    expect(written).toMatchObject({ code: 0, stderr: "" });
    const victim = startMulgil(runArgs("one"));
    await victim.until(({ stdout }) => /"job":"account-months","recordsIn":[1-9]/.test(stdout));
    const survivor = startMulgil(runArgs("two"));
    victim.process.kill("SIGKILL");
    await victim.ended;
    const again = startMulgil(runArgs("one", "--workers", "2"));
    expect(await survivor.ended).toMatchObject({ code: 0, stderr: "" });
    expect(await again.ended).toMatchObject({ code: 0, stderr: "" });

    const { stdout } = await mulgil(onKafka("read", "bank.account-months"));
    const values = objectsIn<{ value: AccountMonthTotals }>(stdout).map(({ value }) => value);
    const months = Map.groupBy(values, ({ accountId, month }) => `${accountId} ${month}`);
    const counts = [...months.values()].map((grown) =>
      grown.map(({ credits, debits }) => credits.count + debits.count),
    );
    expect(counts.filter((grown) => grown.some((count, index) => index > 0 && count <= grown[index - 1]!))).toEqual([]);
    const latest = [...months.values()].map((grown) => grown.at(-1)!);
    latest.sort((left, right) => left.accountId - right.accountId || (left.month < right.month ? -1 : 1));
    expect(latest).toEqual(groupBy(bank.rows));
  }, 240_000);

  it("are refused without a registry, without a broker's address that can be read, and within seconds where nobody answers", async () => {
    expect((await mulgil(["topics", "--kafka", kafka.bootstrap])).code).toBe(0);
    const noRegistry = await mulgil(["schemas", "ls", "--kafka", kafka.bootstrap]);
    expect(noRegistry).toMatchObject({ code: 1 });
    expect(noRegistry.stderr).toContain("REGISTRY_MISSING");
    const noAddress = await mulgil(["topics", "--kafka", "somewhere", "--registry", registry.url]);
    expect(noAddress.stderr).toContain("KAFKA_ADDRESS");
    const nobody = await mulgil(["topics", "--kafka", "127.0.0.1:1", "--registry", registry.url]);
    expect(nobody).toMatchObject({ code: 1 });
    expect(nobody.stderr).toContain("LOG_UNREACHABLE");
  });
});
