import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { hostname } from "node:os";
import { describe, expect, it, onTestFinished } from "vitest";
import { serveWorker } from "../../runtime/ops/worker-server.ts";
import { askWorkers } from "./ask-workers.ts";

const SELF = { host: hostname(), pid: 42 };

async function workerAt(identity = SELF) {
  const server = await serveWorker({ host: "127.0.0.1", port: 0 }, identity);
  onTestFinished(() => server.close());
  server.show(() => []);
  return server.identity;
}

/** Takes connections and never answers, as the kernel does for a process that is stopped. */
async function silentAddress(): Promise<string> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("askWorkers", () => {
  it("has the answers of those that answer, and why others do not, within seconds", async () => {
    const alive = await workerAt();
    const silent = { ...SELF, address: await silentAddress() };
    const answers = await askWorkers([alive, alive, silent, { ...SELF, address: "http://127.0.0.1:1" }]);
    expect(answers.size).toBe(3);
    expect(answers.get(alive.address)).toMatchObject({ answers: true, report: { process: alive, members: [] } });
    expect(answers.get(silent.address)).toEqual({ answers: false, problem: "no answer within 2 s" });
    expect(answers.get("http://127.0.0.1:1")).toMatchObject({ answers: false, problem: expect.stringMatching(/./) });
  });

  it("does not take another process at the same port for the worker", async () => {
    const other = await workerAt({ ...SELF, pid: 43 });
    expect((await askWorkers([{ ...other, pid: 42 }])).get(other.address)).toEqual({
      answers: false,
      problem: "it is gone",
    });
  });

  it("does not look on its own machine for a worker of another", async () => {
    const elsewhere = { ...(await workerAt()), host: "elsewhere" };
    expect((await askWorkers([elsewhere])).get(elsewhere.address)).toMatchObject({
      answers: false,
      problem: "it listens on elsewhere for elsewhere only: see run --listen",
    });
  });
});
