import { writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { describe, expect, it } from "vitest";
import { mulgil, objectsIn, temporaryFolder } from "./support/mulgil.ts";

interface Line {
  readonly level: string;
  readonly time: string;
  readonly message: string;
  readonly job?: string;
  readonly kind?: string;
  readonly [field: string]: unknown;
}

const PHONE = "010-1234-5678";

const JOB = `
import { defineJob, done, TerminalError } from "mulgil";
const avro = { type: "record", name: "Order", topic: "shop.orders", key: "orderId", partitions: 2, fields: [
  { name: "orderId", type: "long" }, { name: "phone", type: "string", pii: "mask" } ] };
const orders = { name: "shop.orders", value: { avro }, key: "orderId", partitions: 2 } as const;
export const checks = defineJob({
  name: "checks",
  version: 1,
  flow(from) {
    from(orders)
      .process("check", {
        onRecord(order: { orderId: number; phone: string }, context) {
          context.log.debug("looked at");
          if (order.orderId === 2) throw new TerminalError("no such number: " + order.phone, { code: "WRONG_NUMBER" });
          context.log.warn("odd order", { orderId: order.orderId });
        },
      })
      .to({ ...orders, name: "shop.checked" });
  },
});
export const calls = defineJob({
  name: "calls",
  version: 1,
  flow(from) {
    const called = from(orders).call("ask", {
      resource: () => "shop",
      handler: async (order, { log, attempt }) => {
        log.info("asked", { attempt });
        return done();
      },
    });
    called.to({ ...orders, name: "shop.answers" });
  },
});
`;

async function ran(...args: readonly string[]): Promise<{ readonly stdout: string; readonly lines: readonly Line[] }> {
  const cwd = temporaryFolder({ "job.ts": JOB });
  const env = { MULGIL_DATA_DIR: "data" };
  const schema = JOB.slice(JOB.indexOf("{ type:"), JOB.indexOf(";\nconst orders"));
  const json = schema.replaceAll(/(\w+):/g, '"$1":');
  const rows = [1, 2, 3].map((orderId) => JSON.stringify({ orderId, phone: PHONE })).join("\n");
  writeFileSync(`${cwd}/orders.avsc`, json);
  const written = await mulgil(["write", "shop.orders", "--file", "-", "--schemas", "."], { cwd, env, stdin: rows });
  expect(written).toMatchObject({ code: 0, stderr: "" });
  const { code, stdout, stderr } = await mulgil(["run", "job.ts", "--until-idle", ...args], { cwd, env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return { stdout, lines: args.includes("pretty") ? [] : objectsIn<Line>(stdout) };
}

describe("the log of a run", () => {
  it("is JSON lines with level, time, host and process, and nothing of a record", async () => {
    const { stdout, lines } = await ran();
    for (const line of lines) {
      expect(line).toMatchObject({
        level: expect.stringMatching(/^(info|warn)$/),
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        host: hostname(),
        pid: expect.any(Number),
        message: expect.any(String),
        job: expect.stringMatching(/^(checks|calls)$/),
      });
    }
    expect(stdout).not.toContain(PHONE);
    expect(lines.find(({ kind }) => kind === "deadLetter")).toMatchObject({
      job: "checks",
      step: "check",
      code: "WRONG_NUMBER",
      topic: "shop.orders",
      partition: expect.any(Number),
      offset: expect.any(Number),
    });
  });

  it("has what the job's functions write, with job, task, step and the place of the record", async () => {
    const { lines } = await ran();
    const odd = lines.filter(({ message }) => message === "odd order");
    expect(odd.map((line) => (line["fields"] as { readonly orderId: number }).orderId).sort()).toEqual([1, 3]);
    for (const line of odd) {
      const partition = line["partition"] as number;
      expect(line).toMatchObject({ level: "warn", job: "checks", step: "check", topic: "shop.orders" });
      expect(line).toMatchObject({ task: `shop.orders_${partition}`, offset: expect.any(Number) });
    }
    expect(lines.filter(({ message }) => message === "asked")).toHaveLength(3);
    expect(lines.find(({ message }) => message === "asked")).toMatchObject({
      level: "info",
      job: "calls",
      step: "ask",
      topic: "shop.orders",
      fields: { attempt: 1 },
    });
    expect(lines.some(({ message }) => message === "looked at")).toBe(false);
  });

  it("tells more or less with --log-level", async () => {
    expect((await ran("--log-level", "debug")).lines.filter(({ message }) => message === "looked at")).toHaveLength(3);
    const { lines } = await ran("--log-level", "warn");
    expect(new Set(lines.map(({ level }) => level))).toEqual(new Set(["warn"]));
    expect((await ran("--log-level", "silent")).stdout).toBe("");
  });

  it("has the job's lines for people, too", async () => {
    const { stdout } = await ran("--log-format", "pretty");
    expect(stdout).toMatch(/checks shop\.orders_\d check: odd order orderId=1/);
    expect(stdout).toContain(" ask: asked attempt=1");
    const { stdout: less } = await ran("--log-format", "pretty", "--log-level", "warn");
    expect(less).toContain("odd order");
    expect(less).not.toContain("asked");
  });
});
