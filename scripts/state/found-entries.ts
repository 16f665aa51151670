import type { ShownEntry } from "../../runtime/operators/entry-reader.ts";

/** An entry, and of which task. */
export interface FoundEntry extends ShownEntry {
  readonly task: string;
}

/** What `state get` answers. */
export interface FoundEntries {
  readonly job: string;
  readonly store: string;
  /** "store": asked of the task's worker. "changelog": read from the log. */
  readonly source: "store" | "changelog";
  /** Of each task that was read: the changelog offset that the answer corresponds to. */
  readonly positions: readonly { readonly task: string; readonly position: number }[];
  readonly entries: readonly FoundEntry[];
}
