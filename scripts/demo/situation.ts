import type { InstitutionOverview } from "../../runtime/ops/circuits-overview.ts";
import type { InstitutionStats } from "../institutions/institution-stats.ts";
import type { NewsItem } from "./news.ts";

/** How everything stands at a moment. */
export interface Situation {
  /** The wall clock. */
  readonly nowMs: number;
  /** Since the first customer. */
  readonly elapsedMs: number;
  readonly customers: {
    readonly all: number;
    readonly arrived: number;
    readonly profiles: number;
    readonly complete: number;
  };
  readonly requests: { readonly sent: number; readonly ended: number; readonly endedPerSecond: number };
  readonly calls: { readonly all: number; readonly perSecond: number };
  /** As the jobs see them; by id. */
  readonly overviews: ReadonlyMap<string, InstitutionOverview>;
  /** As they see themselves; by id. */
  readonly stats: ReadonlyMap<string, InstitutionStats>;
  readonly news: readonly NewsItem[];
}
