import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

interface ToldSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: {
      readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[];
    };
    readonly scopeSpans: readonly { readonly spans: readonly ToldSpan[] }[];
  }[];
}

const JOB = `
import { defineJob, done, retry } from "mulgil";
const avro = { type: "record", name: "Order", topic: "shop.orders", key: "orderId", partitions: 1, fields: [
  { name: "orderId", type: "long" } ] };
const orders = { name: "shop.orders", value: { avro }, key: "orderId", partitions: 1 } as const;
export const calls = defineJob({
  name: "calls",
  version: 1,
  commitEvery: "20 ms",
  flow(from) {
    from(orders)
      .call("ask", {
        resource: () => "shop",
        tiers: ["100 ms"],
        handler: async (order, { attempt, log, traceparent }) => {
          log.info("asked", { traceparent: traceparent ?? "none" });
          return attempt === 1 ? retry("busy", { after: "1 ms" }) : done(order);
        },
      })
      .to({ ...orders, name: "shop.answers" });
  },
});
`;

const SCHEMA = JOB.slice(JOB.indexOf("{ type:"), JOB.indexOf(";\nconst orders")).replaceAll(/(\w+):/g, '"$1":');

/** Orders that a shop is asked about, in vain at first. */
export const TRACED_PROJECT = { "job.ts": JOB, "orders.avsc": SCHEMA };

/** A collector of OTLP over HTTP. */
export async function collector() {
  const received: { readonly url: string | undefined; readonly content: Export }[] = [];
  const server = createServer(async (request, response) => {
    received.push({ url: request.url, content: JSON.parse(await textOf(request)) as Export });
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return {
    received,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get spans(): readonly ToldSpan[] {
      const all = received.flatMap(({ content }) => content.resourceSpans);
      return all.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk as string;
  return text;
}
