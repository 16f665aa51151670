import { describe, expect, it } from "vitest";
import { AbortCallbacks } from "./abort-callbacks.ts";
import { WorkerPermits } from "./worker-permits.ts";

/** Permits, the names of what has begun, and ends for it. */
function openPermits(concurrency: number) {
  const permits = new WorkerPermits(concurrency, new AbortCallbacks());
  const begun: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<string>>();
  const { signal } = new AbortController();
  return {
    ...{ permits, begun },
    run(name: string, options: { readonly isRetry?: boolean; readonly signal?: AbortSignal } = {}) {
      const task = () => {
        begun.push(name);
        const end = Promise.withResolvers<string>();
        ends.set(name, end);
        return end.promise;
      };
      return permits.run(task, { isRetry: false, signal, ...options });
    },
    async end(name: string) {
      ends.get(name)!.resolve(name);
      await Promise.resolve();
    },
    async fail(name: string) {
      ends.get(name)!.reject(new Error(name));
      await Promise.resolve();
    },
  };
}

describe("the permits of a worker", () => {
  it("let as many begin at once as there are, and the next one with each end, be it a failure", async () => {
    const { begun, run, end, fail } = openPermits(2);
    const all = ["a", "b", "c", "d"].map((name) => run(name).catch((error: Error) => `failed ${error.message}`));
    expect(begun).toEqual(["a", "b"]);
    await fail("b");
    expect(begun).toEqual(["a", "b", "c"]);
    await end("a");
    expect(begun).toEqual(["a", "b", "c", "d"]);
    await end("c");
    await end("d");
    expect(await Promise.all(all)).toEqual(["a", "failed b", "c", "d"]);
  });

  it("are given to nobody while they are held, and to all who waited afterwards", async () => {
    const { permits, begun, run, end } = openPermits(2);
    const all = ["a", "b", "c"].map((name) => run(name));
    permits.hold(true);
    await end("a");
    all.push(run("d"));
    expect([begun, permits.taken]).toEqual([["a", "b"], 1]);
    await end("b");
    permits.hold(false);
    expect([begun, permits.taken]).toEqual([["a", "b", "c", "d"], 2]);
    await end("c");
    await end("d");
    expect(await Promise.all(all)).toEqual(["a", "b", "c", "d"]);
  });

  it("go to records that have waited in a tier before others", async () => {
    const { begun, run, end } = openPermits(1);
    void run("a");
    void run("fresh");
    void run("returning", { isRetry: true });
    await end("a");
    expect(begun).toEqual(["a", "returning"]);
    await end("returning");
    expect(begun).toEqual(["a", "returning", "fresh"]);
  });

  it("do not go to what was given up while it waited", async () => {
    const { begun, run, end } = openPermits(1);
    const abort = new AbortController();
    void run("a");
    const given = run("given up", { signal: abort.signal });
    void run("b");
    abort.abort(new Error("over"));
    await expect(given).rejects.toThrow("over");
    await expect(run("too late", { signal: abort.signal })).rejects.toThrow("over");
    await end("a");
    expect(begun).toEqual(["a", "b"]);
  });

  it("send away what waits when all of it is, and nothing that has begun", async () => {
    const { permits, begun, run, end } = openPermits(1);
    const first = run("a");
    const waiting = [run("b"), run("c", { isRetry: true })];
    permits.clear();
    for (const each of waiting) await expect(each).rejects.toThrow("no calls any more");
    await end("a");
    expect(await first).toBe("a");
    expect(begun).toEqual(["a"]);
  });
});
