import { type CollectionRequest, collectionRequests } from "../../schemas/types/mydata/collection-request.ts";
import { type Completion, completions } from "../../schemas/types/mydata/completion.ts";
import { type LogAndRegistry, topicValues } from "./topic-values.ts";

export type SentRequest = Pick<CollectionRequest, "requestId" | "kind" | "customerId" | "institution" | "requestedAt">;
export type RequestEnd = Pick<Completion, "requestId" | "outcome" | "completedAt">;

/** What was requested and how that ended, as the topics have it. */
export interface RequestFacts {
  readonly requests: readonly SentRequest[];
  readonly ends: readonly RequestEnd[];
}

export async function readRequestFacts(log: LogAndRegistry): Promise<RequestFacts> {
  const requests: SentRequest[] = [];
  const ends: RequestEnd[] = [];
  const sent = ["requestId", "kind", "customerId", "institution", "requestedAt"] as const;
  for await (const all of topicValues(log, { topic: collectionRequests, fields: sent }))
    for (const { value } of all) if (value !== null) requests.push(value);
  const ended = ["requestId", "outcome", "completedAt"] as const;
  for await (const all of topicValues(log, { topic: completions, fields: ended }))
    for (const { value } of all) if (value !== null) ends.push(value);
  return { requests, ends };
}
