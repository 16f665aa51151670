import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { describe, expect, it } from "vitest";
import type { CallContext } from "../dsl/call.ts";
import { done, retry } from "../dsl/outcome.ts";
import { kindOf, recordedSpans, traceIdOf } from "../trace/recorded-spans.fixture.ts";
import { TRACEPARENT } from "../trace/trace-context.ts";
import { CallTask, callingJob, type Request, requests, results } from "./call-task.fixture.ts";

const TIER = "caller.fetch.retry.10seconds";
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const traceparent = (flags: string) => ({ [TRACEPARENT]: Buffer.from(`00-${TRACE}-00f067aa0ba902b7-${flags}`) });

/** Fails the first time that a request is called for. */
function failingOnce() {
  const contexts: CallContext<string>[] = [];
  const handler = (value: Request, context: CallContext<string>) => {
    contexts.push(context);
    return context.attempt === 1 ? retry("busy") : done(value);
  };
  return { contexts, handler };
}

const attributesOf = (spans: readonly ReadableSpan[], name: string) => spans.map(({ attributes }) => attributes[name]);

describe("the trace of a record that is called for", () => {
  it("goes on through a retry tier and a restart of the task to the output", async () => {
    const recorded = recordedSpans({ ratio: 0 });
    const { contexts, handler } = failingOnce();
    const task = await CallTask.open(callingJob({ handler, tiers: ["10 seconds"] }), { tracer: recorded.tracer });
    task.append(requests.name, { ...task.encoded("a1"), headers: traceparent("01") });
    await task.settle();
    await task.commit();
    await task.restart();
    await task.advance(10_000);
    await task.commit();
    expect(await task.read(results.name)).toEqual(["a1"]);
    expect(new Set(recorded.spans.map(traceIdOf))).toEqual(new Set([TRACE]));
    const [first, second] = recorded.named("call fetch");
    expect(recorded.pathTo(first!)).toBe(`process ${requests.name} → call fetch`);
    const way = `process ${requests.name} → send ${TIER} → process ${TIER}`;
    expect(recorded.pathTo(second!)).toBe(`${way} → call fetch`);
    expect(recorded.pathTo(recorded.named(`send ${results.name}`)[0]!)).toBe(`${way} → send ${results.name}`);
    const calls = [first!, second!];
    expect(calls.map(kindOf)).toEqual(["client", "client"]);
    expect(attributesOf(calls, "mulgil.attempt")).toEqual([1, 2]);
    expect(attributesOf(calls, "mulgil.institution")).toEqual(["one", "one"]);
    expect(attributesOf(calls, "mulgil.outcome")).toEqual(["retry", "done"]);
    expect(attributesOf(calls, "error.type")).toEqual(["error", undefined]);
    expect(contexts.map((context) => context.traceparent)).toEqual(
      calls.map((span) => `00-${TRACE}-${span.spanContext().spanId}-01`),
    );
  });

  it("begins with the record, and is the same in the tier, in the output and for a second restart", async () => {
    const recorded = recordedSpans();
    const task = await CallTask.open(callingJob({ ...failingOnce(), tiers: ["10 seconds"] }), {
      tracer: recorded.tracer,
    });
    await task.send("a1");
    await task.commit();
    await task.restart();
    await task.restart();
    await task.advance(10_000);
    await task.commit();
    const traces = new Set(recorded.spans.map(traceIdOf));
    expect(traces.size).toBe(1);
    const [output] = task.log.from(results.name, 0);
    expect(output!.headers![TRACEPARENT]!.toString()).toContain([...traces][0]);
    expect(recorded.spans.filter(({ parentSpanContext }) => parentSpanContext === undefined)).toHaveLength(1);
  });

  it("goes on when it was held behind another one in state", async () => {
    const recorded = recordedSpans();
    const options = { ...failingOnce(), orderKey: ({ customer }: Request) => customer, tiers: ["10 seconds"] };
    const task = await CallTask.open(callingJob(options as never), { tracer: recorded.tracer });
    await task.send("a1", "a2");
    await task.commit();
    expect(await task.entries("held")).toHaveLength(1);
    await task.restart();
    await task.advance(10_000);
    await task.commit();
    await task.advance(10_000);
    await task.commit();
    expect(await task.read(results.name)).toEqual(["a1", "a2"]);
    const roots = recorded.named(`process ${requests.name}`);
    expect(new Set(roots.map(traceIdOf)).size).toBe(2);
    const outputs = recorded.named(`send ${results.name}`);
    expect(outputs.map(traceIdOf)).toEqual(roots.map(traceIdOf));
  });

  it("says why nobody was called, and for how long", async () => {
    const recorded = recordedSpans();
    let opensAtMs = Number.POSITIVE_INFINITY;
    const closedUntil = (nowMs: number) => (nowMs < opensAtMs ? opensAtMs : undefined);
    const handler = (value: Request) => done(value);
    const task = await CallTask.open(callingJob({ handler, tiers: ["10 seconds"], policy: { closedUntil } }), {
      tracer: recorded.tracer,
    });
    opensAtMs = task.clock.now() + 10_000;
    await task.send("a1");
    await task.advance(10_000);
    await task.commit();
    const calls = recorded.named("call fetch");
    expect(attributesOf(calls, "mulgil.outcome")).toEqual(["wait", "done"]);
    expect(attributesOf(calls, "mulgil.wait.reason")).toEqual(["closed", undefined]);
    expect(new Set(calls.map(traceIdOf)).size).toBe(1);
  });

  it("is handed on and not recorded where whoever began it decided so", async () => {
    const recorded = recordedSpans();
    const task = await CallTask.open(callingJob({ ...failingOnce(), tiers: ["10 seconds"] }), {
      tracer: recorded.tracer,
    });
    task.append(requests.name, { ...task.encoded("a1"), headers: traceparent("00") });
    await task.settle();
    await task.commit();
    await task.advance(10_000);
    await task.commit();
    expect(recorded.spans).toEqual([]);
    const [output] = task.log.from(results.name, 0);
    expect(output!.headers![TRACEPARENT]).toEqual(traceparent("00")[TRACEPARENT]);
  });

  it("is that of the dead letter, too", async () => {
    const recorded = recordedSpans();
    const handler = () => {
      throw Object.assign(new Error("no"), { code: "x" });
    };
    const job = callingJob({ handler, tiers: ["10 seconds"], policy: { retry: { attemptsMax: 1 } } as never });
    const task = await CallTask.open(job, { tracer: recorded.tracer });
    await task.send("a1");
    await task.commit();
    const [letter] = task.deadLetters;
    const [send] = recorded.named("send caller.dlq");
    expect(letter!.record.headers![TRACEPARENT]!.toString()).toContain(send!.spanContext().spanId);
  });
});
