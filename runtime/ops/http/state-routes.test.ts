import { expect, it, onTestFinished } from "vitest";
import type { LogAccess } from "../../log/port.ts";
import { ManualClock } from "../../testing/manual-clock.ts";
import { WorkerMetrics } from "../metrics/worker-metrics.ts";
import type { LocalState } from "../state/local-state.ts";
import { Access } from "./access/access.ts";
import { stateRoutes } from "./state-routes.ts";
import { createWorkerApp } from "./worker-app.ts";
import type { RunFunctions } from "./worker-routes.ts";

const TOKEN = "the-token-of-the-owner";

/** The routes before a state that notes what it is asked. */
async function routes() {
  const asked: unknown[] = [];
  const status = { isWritable: true };
  const log = {
    describeTopics: async () => [{ topic: "mulgil.audit" }],
    async produce() {
      if (!status.isWritable) throw new Error("no leader");
      asked.push("audit");
    },
  } as unknown as LogAccess;
  const state = {
    environment: { log, clock: new ManualClock(0) },
    running: () => asked.push("verification"),
    async entries(_job: string, _store: string, _request: unknown, reveals: boolean) {
      asked.push({ reveals });
      return { entries: [] };
    },
  } as unknown as LocalState;
  const clock = new ManualClock(0);
  const metrics = new WorkerMetrics(clock);
  const run = (): RunFunctions => ({ state, members: () => [{ job: "shop" }] as never });
  const listen = { host: "127.0.0.1", port: 0 };
  const access = await Access.open({ listen, http: {}, ownerToken: TOKEN, clock, onRefused: () => undefined });
  const identity = () => ({ host: "here", pid: 1, address: "http://127.0.0.1:1" });
  const context = { identity, clock, metrics, areMetricsGuarded: false, run };
  const app = await createWorkerApp([stateRoutes], context, { access, tls: undefined });
  onTestFinished(() => app.close());
  const ask = async (method: "GET" | "POST", path: string, payload?: object) => {
    const headers = { host: "127.0.0.1", authorization: `Bearer ${TOKEN}` };
    const answer = await app.inject({
      method,
      url: `/jobs/shop/stores/totals/${path}`,
      headers,
      ...(payload && { payload }),
    });
    return { status: answer.statusCode, body: answer.body };
  };
  return { ask, asked, status };
}

it("reveals nothing of entries unless that is asked for, with a reason that is recorded before", async () => {
  const { ask, asked } = await routes();
  await ask("GET", "entries");
  await ask("GET", "entries?why=curious");
  expect(asked).toEqual([{ reveals: false }, { reveals: false }]);
  expect((await ask("GET", "entries?reveal=true")).status).toBe(400);
  expect(asked).toHaveLength(2);
  await ask("GET", "entries?reveal=true&why=curious");
  expect(asked.slice(2)).toEqual(["audit", { reveals: true }]);
});

it("looks at nothing, and verifies nothing, for who has it revealed while the audit trail cannot be written", async () => {
  const { ask, asked, status } = await routes();
  status.isWritable = false;
  const refused = { status: 503, body: expect.stringContaining("REVEAL_UNRECORDED") };
  expect(await ask("GET", "entries?reveal=true&why=curious")).toEqual(refused);
  expect(await ask("POST", "tasks/visits_0/verifications", { reveals: true, why: "curious" })).toEqual(refused);
  expect(asked).toEqual([]);
});
