/** JSON schemas of what routes answer. They describe: answers are sent as the handlers make them. */

const text = { type: "string" };
const whole = { type: "integer" };

const object = (properties: Readonly<Record<string, object>>, optional: readonly string[] = []): object => ({
  type: "object",
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
  properties,
});

export const plainText = (description: string): object => ({
  description,
  content: { "text/plain": { schema: text } },
});

const restoring = object({ done: whole, total: whole, recordsPerSecond: whole, timeLeftMs: whole });
const task = object({ task: text, status: { enum: ["starting", "restoring", "running"] }, restoring }, ["restoring"]);
const member = object(
  {
    job: text,
    worker: text,
    memberId: text,
    isAssigned: { type: "boolean" },
    activity: text,
    tasks: { type: "array", items: task },
  },
  ["memberId"],
);

export const processReport = {
  description: "what it is and does",
  ...object({
    process: object({ host: text, pid: whole, address: text }),
    members: { type: "array", items: member },
  }),
};

export const errorAnswer = {
  description: "why not",
  ...object({ error: object({ code: text, message: text }) }),
};
