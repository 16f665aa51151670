import { describe, expect, it } from "vitest";
import type { LogAccess, ProduceBatch } from "../../log/port.ts";
import { ManualClock } from "../../testing/manual-clock.ts";
import type { AuditRecord } from "../audit.ts";
import { RevealTrail } from "./reveal-trail.ts";

const ANA = { name: "ana", role: "operator" } as const;
const STORE = "job shop, store totals";
const ASKED = { reveal: true, why: "complaint 4711", by: "ana@box-1" };

function trail() {
  const clock = new ManualClock(1_000);
  const records: AuditRecord[] = [];
  const status = { isWritable: true };
  const log = {
    describeTopics: async () => [{ topic: "mulgil.audit" }],
    async produce(batches: readonly ProduceBatch[]) {
      if (!status.isWritable) throw new Error("no leader");
      for (const { value } of batches.flatMap((batch) => batch.records)) records.push(JSON.parse(value!.toString()));
    },
  } as unknown as LogAccess;
  return { clock, records, status, log, trail: new RevealTrail(clock) };
}

describe("whoever reveals", () => {
  it("stands in the audit trail with what the token says and what he says himself", async () => {
    const { trail: of, log, records } = trail();
    expect(await of.note(log, ANA, STORE, ASKED)).toBe(true);
    expect(records).toMatchObject([
      {
        action: "reveal",
        target: STORE,
        by: "ana (says: ana@box-1)",
        why: "complaint 4711",
        outcome: "done",
        atMs: 1_000,
      },
    ]);
    expect(await of.note(log, ANA, STORE, { reveal: true, why: "x" })).toBe(true);
    expect(records[1]).toMatchObject({ by: "ana", why: "x" });
  });

  it("stands there once a minute for what he looks at, and why, also if he asks twice at once", async () => {
    const { trail: of, log, records, clock } = trail();
    await Promise.all([of.note(log, ANA, STORE, ASKED), of.note(log, ANA, STORE, ASKED)]);
    clock.advance(59_999);
    await of.note(log, ANA, STORE, ASKED);
    expect(records).toHaveLength(1);
    clock.advance(1);
    await of.note(log, ANA, STORE, ASKED);
    expect(records).toHaveLength(2);
    await of.note(log, { ...ANA, name: "bob" }, STORE, ASKED);
    await of.note(log, ANA, "job shop, store other", ASKED);
    await of.note(log, ANA, STORE, { ...ASKED, why: "complaint 4712" });
    expect(records).toHaveLength(5);
  });

  it("is shown nothing while it cannot be written, and it is tried again", async () => {
    const { trail: of, log, records, status } = trail();
    status.isWritable = false;
    for (let times = 0; times < 2; times++)
      await expect(of.note(log, ANA, STORE, ASKED)).rejects.toMatchObject({ code: "REVEAL_UNRECORDED", status: 503 });
    status.isWritable = true;
    await of.note(log, ANA, STORE, ASKED);
    expect(records).toHaveLength(1);
  });

  it.each([{ reveal: true }, { reveal: true, why: "  " }])("says why: %j", async (asked) => {
    const { trail: of, log, records } = trail();
    await expect(of.note(log, ANA, STORE, asked)).rejects.toMatchObject({ code: "CHANGE_REASON_MISSING", status: 400 });
    expect(records).toEqual([]);
  });
});

it("is no line where nothing is revealed", async () => {
  const { trail: of, log, records } = trail();
  expect(await of.note(log, ANA, STORE, { why: "just so" })).toBe(false);
  expect(await of.note(log, ANA, STORE, { reveal: false })).toBe(false);
  expect(records).toEqual([]);
});
