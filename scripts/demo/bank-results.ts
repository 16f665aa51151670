import type { OpenLog } from "../environment/open-log.ts";
import { readTopic } from "../read/read-topic.ts";
import { type RecordView, RecordViewer } from "../read/record-view.ts";
import { TopicSchemas } from "../topics/topic-schemas.ts";
import type { AccountMonthTotals } from "./bank-oracle.ts";

/** The latest value of every account and month, in their order. */
export async function accountMonthsIn(directory: OpenLog): Promise<readonly AccountMonthTotals[]> {
  const latest = new Map<string, AccountMonthTotals>();
  for await (const { value } of viewsOf(directory, "bank.account-months")) {
    const month = value as AccountMonthTotals;
    latest.set(`${month.accountId} ${month.month}`, month);
  }
  return [...latest.values()].sort(
    (left, right) => left.accountId - right.accountId || (left.month < right.month ? -1 : 1),
  );
}

/** How many dead letters there are under each code. */
export async function deadLettersIn(
  directory: Pick<OpenLog, "log" | "registry">,
  topic: string,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for await (const { headers } of viewsOf(directory, topic)) {
    const code = String(headers["mulgil.dlq.code"]);
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  return new Map([...counts].sort());
}

async function* viewsOf(
  { log, registry }: Pick<OpenLog, "log" | "registry">,
  topic: string,
): AsyncGenerator<RecordView> {
  const schemas = new TopicSchemas({ registry, schemasDir: "schemas" });
  const viewer = new RecordViewer(registry, (of) => schemas.keyTypeOf(of), { schemas, reveal: true });
  for await (const records of readTopic(log, { topic, from: { kind: "spec", spec: "earliest" } })) {
    yield* await viewer.view(records);
  }
}
