import { defineJob, TerminalError } from "mulgil";
import { describe, expect, it } from "vitest";
import type { FetchedRecord } from "../../runtime/log/port.ts";
import { TopicCodec } from "../../runtime/testing/topic-codec.ts";
import { kindOf, recordedSpans, traceIdOf } from "../../runtime/trace/recorded-spans.fixture.ts";
import { parseTraceparent, TRACEPARENT } from "../../runtime/trace/trace-context.ts";
import { openHarness } from "./harness.ts";
import { payment, payments, totals, totalsById } from "./jobs.ts";

const copies = { ...payments, name: "shop.copies" } as const;
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

/** Passes payments on; those of "nobody" are dead letters. */
const copying = defineJob({
  name: "copying",
  version: 1,
  commitEvery: "20 ms",
  flow(from) {
    from(payments)
      .map((one) => {
        if (one.customerId === "nobody") throw new TerminalError("nobody pays", { code: "NOBODY" });
        return one;
      })
      .to(copies);
  },
});

const contextOf = ({ headers }: FetchedRecord) => parseTraceparent(headers![TRACEPARENT]!)!;

/** A harness with payments that carry these headers. */
async function harnessWith(...headers: readonly (string | undefined)[]) {
  const harness = await openHarness();
  await harness.createTopic(payments.name, 1);
  const codec = await TopicCodec.open(payments, harness.registry);
  for (const [n, header] of headers.entries()) {
    const record = codec.encode(payment(`p${n}`, "ana", n + 1), { timestampMs: n + 1 });
    const carried = header === undefined ? {} : { headers: { [TRACEPARENT]: Buffer.from(header) } };
    await harness.produceRaw(payments.name, { ...record, ...carried });
  }
  return harness;
}

describe("traces", () => {
  it("go on with the trace of a record, and what it causes carries it", async () => {
    const recorded = recordedSpans();
    const harness = await harnessWith(`00-${TRACE}-${SPAN}-01`);
    await harness.runUntilIdle([copying], { environment: { tracer: recorded.tracer } });
    const [processed] = recorded.named(`process ${payments.name}`);
    const [sent] = recorded.named(`send ${copies.name}`);
    expect(processed!.parentSpanContext).toMatchObject({ traceId: TRACE, spanId: SPAN, isRemote: true });
    expect(sent!.parentSpanContext!.spanId).toBe(processed!.spanContext().spanId);
    expect([kindOf(processed!), kindOf(sent!)]).toEqual(["consumer", "producer"]);
    expect(processed!.attributes).toMatchObject({
      "messaging.system": "mulgil",
      "messaging.operation.type": "process",
      "messaging.destination.name": payments.name,
      "messaging.destination.partition.id": "0",
      "messaging.kafka.offset": 0,
      "messaging.consumer.group.name": "copying",
      "mulgil.task": `${payments.name}_0`,
    });
    const [copy] = await harness.readRaw(copies.name);
    expect(contextOf(copy!)).toEqual({ traceId: TRACE, spanId: sent!.spanContext().spanId, isSampled: true });
  });

  it("are handed on untouched where whoever began them does not record them, and begin anew where the header is none", async () => {
    const recorded = recordedSpans();
    const given = `00-${TRACE}-${SPAN}-00`;
    const harness = await harnessWith(given, "no header at all");
    await harness.runUntilIdle([copying], { environment: { tracer: recorded.tracer } });
    const [first, second] = await harness.readRaw(copies.name);
    expect(first!.headers![TRACEPARENT]!.toString()).toBe(given);
    expect(recorded.named(`process ${payments.name}`)).toHaveLength(1);
    expect(contextOf(second!).traceId).not.toBe(TRACE);
  });

  it("are of a share of the records, and nothing is made for the others", async () => {
    const recorded = recordedSpans({ ratio: 0.05 });
    const harness = await harnessWith();
    const all = Array.from({ length: 1_000 }, (_, n) => payment(`p${n}`, `c${n % 7}`, n + 1));
    await harness.produce(payments, all);
    await harness.runUntilIdle([copying], { environment: { tracer: recorded.tracer } });
    const traced = recorded.named(`process ${payments.name}`);
    expect(traced.length).toBeGreaterThan(40);
    expect(traced.length).toBeLessThan(60);
    const outputs = await harness.readRaw(copies.name);
    expect(outputs).toHaveLength(1_000);
    expect(outputs.filter(({ headers }) => headers?.[TRACEPARENT] !== undefined)).toHaveLength(traced.length);
  });

  it("lead through a repartition to what is sent at a commit, which links the last record of its key", async () => {
    const recorded = recordedSpans();
    const harness = await harnessWith();
    await harness.produce(payments, [payment("p1", "ana", 1), payment("p1", "eva", 2), payment("p2", "ana", 3)]);
    await harness.runUntilIdle([totalsById()], { environment: { tracer: recorded.tracer } });
    const sources = recorded.named(`process ${payments.name}`).map(traceIdOf);
    expect(new Set(sources).size).toBe(3);
    const behind = recorded.spans.filter((span) => recorded.pathTo(span).match(/→ process/));
    expect(behind.map((span) => recorded.pathTo(span))).toEqual(
      Array.from({ length: 3 }, () => expect.stringMatching(/^process shop\.payments → send (\S+) → process \1$/)),
    );
    expect(behind.map(traceIdOf).sort()).toEqual(sources.toSorted());
    const outputs = recorded.named(`send ${totals.name}`);
    expect(outputs.length).toBeGreaterThan(1);
    for (const span of outputs) {
      expect(sources).toContain(span.links[0]!.context.traceId);
      expect(span.parentSpanContext).toBeUndefined();
    }
    const carried = (await harness.readRaw(totals.name)).map((record) => contextOf(record).spanId);
    expect(carried.sort()).toEqual(outputs.map((span) => span.spanContext().spanId).sort());
  });

  it("do not begin in a job's own topics", async () => {
    const recorded = recordedSpans({ ratio: 0.3 });
    const harness = await openHarness();
    await harness.createTopic(payments.name, 4);
    await harness.produce(
      payments,
      Array.from({ length: 100 }, (_, n) => payment(`p${n}`, `c${n}`, n + 1)),
    );
    await harness.runUntilIdle([totalsById()], { environment: { tracer: recorded.tracer } });
    const processed = recorded.spans.filter(({ name }) => name.startsWith("process "));
    const behind = processed.filter(({ name }) => name !== `process ${payments.name}`);
    expect(behind).toHaveLength(processed.length / 2);
    for (const span of behind) expect(span.parentSpanContext).toBeDefined();
  });

  it("are named in dead letters and in what is told of them", async () => {
    const recorded = recordedSpans();
    const harness = await harnessWith();
    await harness.produce(payments, [payment("p1", "nobody", 1)]);
    await harness.runUntilIdle([copying], { environment: { tracer: recorded.tracer } });
    const [processed] = recorded.named(`process ${payments.name}`);
    const [letter] = await harness.readRaw("copying.dlq");
    expect(contextOf(letter!).traceId).toBe(traceIdOf(processed!));
    expect(harness.events.find(({ kind }) => kind === "deadLetter")).toMatchObject({ traceId: traceIdOf(processed!) });
  });

  it("end in an error where the commit fails that was to send", async () => {
    const recorded = recordedSpans();
    const harness = await harnessWith(undefined);
    const commit = () => Promise.reject(new Error("the disk is on fire"));
    const run = await harness.start([copying], { environment: { tracer: recorded.tracer, commit } });
    await run.finished.catch(() => undefined);
    expect(recorded.named(`send ${copies.name}`)[0]!.attributes["error.type"]).toBe("RECORD_FAILED");
  });
});
