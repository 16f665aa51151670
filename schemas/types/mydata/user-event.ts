// Generated from mydata/user-event.avsc by "mulgil types". Do not edit.

/** A click: the wish behind it is what the event map says. */
export interface UserEvent {
  /** The same for a click that is sent again. */
  readonly eventId: string;
  readonly customerId: string;
  /** As the event map calls it: member, authentication, spending, assets. */
  readonly page: string;
  /** logIn, leave, consent, withdraw, home, detail, refresh. */
  readonly action: string;
  /** That the action is about; empty: all. */
  readonly institutions: readonly string[];
  /** By the clock of the service that raised it. */
  readonly occurredAt: number;
}

export const userEvent: {
  readonly avro: { readonly [attribute: string]: unknown };
  readonly type?: UserEvent;
} = {
  avro: {
    type: "record",
    name: "UserEvent",
    namespace: "mydata",
    doc: "A click: the wish behind it is what the event map says.",
    topic: "mydata.user-events",
    key: "customerId",
    partitions: 8,
    fields: [
      { name: "eventId", type: "string", doc: "The same for a click that is sent again." },
      { name: "customerId", type: "string" },
      { name: "page", type: "string", doc: "As the event map calls it: member, authentication, spending, assets." },
      { name: "action", type: "string", doc: "logIn, leave, consent, withdraw, home, detail, refresh." },
      {
        name: "institutions",
        type: { type: "array", items: "string" },
        default: [],
        doc: "That the action is about; empty: all.",
      },
      {
        name: "occurredAt",
        type: { type: "long", logicalType: "timestamp-millis" },
        doc: "By the clock of the service that raised it.",
      },
    ],
  },
};

export const userEvents = {
  name: "mydata.user-events",
  value: userEvent,
  key: "customerId",
  partitions: 8,
} as const;
