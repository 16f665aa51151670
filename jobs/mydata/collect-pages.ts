import type { CollectionRequest } from "../../schemas/types/mydata/collection-request.ts";
import { senseless } from "./failed-call.ts";
import type { InstitutionAnswer } from "./institution-answer.ts";
import type { Session } from "./institution-client.ts";
import type { Item, ResourceApi, Said } from "./resource-apis.ts";

/** What an institution has said about a resource, to the end. */
export interface Collected {
  readonly unchanged: boolean;
  /** Each thing once, in the order in which it came. */
  readonly said: readonly Said[];
  readonly pages: number;
  readonly searchTimestamp: string | null;
}

const PAGE_ENTRIES = 500;
const PAGES_MAX = 1_000;
const ENTRIES_MAX = 100_000;

/**
 * Asks for all pages. Pages that come twice count once; paging that comes back to where it was, or does not end, is trouble of the institution.
 * @throws {FailedCall}
 */
export async function collectPages(session: Session, api: ResourceApi, request: CollectionRequest): Promise<Collected> {
  const said = new Map<string, Said>();
  const cursors = new Set<string>();
  const question = api.question(request);
  let searchTimestamp: string | null = null;
  for (let pages = 1, cursor: string | undefined; pages <= PAGES_MAX; pages++) {
    const parameters = { ...question.parameters, limit: String(PAGE_ENTRIES), ...startOf(cursor, request) };
    const answer = await session.ask({ ...question, parameters });
    searchTimestamp ??= textOrNull(answer.body["search_timestamp"]);
    if (cursor === undefined && answer.message === "UP_TO_DATE")
      return { unchanged: true, said: [], pages, searchTimestamp };
    for (const item of entriesOf(answer, api)) {
      const one = api.read(item, request.assetId ?? "");
      said.set("asset" in one ? one.asset.assetId : one.transaction.transactionId, one);
    }
    if (said.size > ENTRIES_MAX) throw senseless(`more than ${ENTRIES_MAX} entries`);
    cursor = textOrNull(answer.body["next_page"]) ?? undefined;
    if (cursor === undefined) return { unchanged: false, said: [...said.values()], pages, searchTimestamp };
    if (cursors.has(cursor)) throw senseless("paging came back to a cursor that was there before");
    cursors.add(cursor);
  }
  throw senseless(`more than ${PAGES_MAX} pages`);
}

const startOf = (
  cursor: string | undefined,
  { searchTimestamp }: CollectionRequest,
): Readonly<Record<string, string>> =>
  cursor === undefined ? { search_timestamp: searchTimestamp ?? "0" } : { next_page: cursor };

function entriesOf({ body }: InstitutionAnswer, { list }: ResourceApi): readonly Item[] {
  const entries = body[`${list}_list`];
  if (!Array.isArray(entries) || entries.some((entry) => typeof entry !== "object" || entry === null))
    throw senseless(`an answer without "${list}_list"`);
  return entries as readonly Item[];
}

const textOrNull = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);
