/** What may be asked of an institution: one path. */
export interface Resource {
  readonly method: "GET" | "POST";
  /** Behind `/v1/<industry>`; `:name` stands for a parameter. */
  readonly path: string;
  /** How its lists are called: "trans" is trans_cnt and trans_list. */
  readonly name: string;
  /** The parameter that names the asset; absent: it is about the customer as a whole. */
  readonly assetParameter?: string;
  /** Which range has to be given: from_date and to_date, or from_month and to_month. */
  readonly range?: "dates" | "months";
  /** Everything there is at this moment. Called for what exists, is open and covered by the consent. */
  readonly read: (query: Query) => Listing;
}

export interface Query {
  readonly customer: string;
  /** Empty where no asset is asked for. */
  readonly assetId: string;
  /** Inclusive; the beginning of time where no range is asked for. */
  readonly fromMs: number;
  /** Exclusive, and never beyond now. */
  readonly toMs: number;
  readonly nowMs: number;
  readonly isCovered: (assetId: string) => boolean;
  readonly isClosed: (assetId: string) => boolean;
}

export interface Listing {
  /** In ascending order of time: what is new comes at the end, so offsets stay good. */
  readonly items: readonly object[];
  /** When it last changed. */
  readonly changedMs: number;
}

export interface IndustryData {
  readonly resources: readonly Resource[];
  /** Whether the customer has the asset by now. */
  hasAsset(customer: string, assetId: string, nowMs: number): boolean;
}
