/** A row of an input file: its content by name, or why it has none. */
export type Row =
  | { readonly kind: "row"; readonly line: number; readonly raw: string; readonly content: unknown }
  | UnreadableRow;

export interface UnreadableRow {
  readonly kind: "unreadable";
  /** Where the row begins; counts from 1. */
  readonly line: number;
  readonly raw: string;
  readonly error: string;
}
