/** JSON schemas of what the state routes take and answer. */

const text = { type: "string" };
const whole = { type: "integer" };
const status = { enum: ["starting", "restoring", "running"] };
const list = (items: object) => ({ type: "array", items });

export const storeParameters = { type: "object", properties: { job: text, store: text } };

export const jobStores = {
  description: "what it has of the job's stores",
  type: "object",
  properties: {
    job: text,
    stores: list({
      type: "object",
      properties: {
        ...{ store: text, kind: text, task: text, status, changelog: text, bytesOnDisk: whole, entries: whole },
        checkpoint: { type: "object", properties: { nextOffset: whole, writtenAtMs: whole } },
      },
    }),
  },
};

export const entriesAnswer = {
  description: "entries, and where to go on: a page can be empty and not the last",
  type: "object",
  properties: {
    job: text,
    store: text,
    entries: list({
      type: "object",
      properties: {
        ...{ task: text, key: {}, entryKey: {}, windowStartMs: whole, value: {}, eventTimeMs: whole },
        masked: { ...list(text), description: 'what is hidden, because it is personal data: "key", "value.phone"' },
      },
    }),
    tasks: list({ type: "object", properties: { task: text, position: whole, after: text } }),
    notReady: list({ type: "object", properties: { task: text, status } }),
  },
};

export const verification = {
  description: "how far it is, or what came of it",
  type: "object",
  properties: {
    id: text,
    status: { enum: ["waiting", "running", "done", "failed"] },
    progress: { type: "object" },
    report: { type: "object" },
    error: { type: "object", properties: { code: text, message: text } },
  },
};
