import type { OutageKind } from "./behaviour.ts";
import type { DeliveryTotals } from "./deliveries.ts";

/** What an institution has counted since it started. */
export interface InstitutionStats {
  readonly requests: number;
  /** Answers, by rsp_code. */
  readonly answersByCode: Readonly<Record<string, number>>;
  /** Calls that got no answer of the institution, by what happened. "abandoned": the client left before the answer was sent. */
  readonly unanswered: Readonly<Record<OutageKind | "abandoned", number>>;
  readonly inFlight: number;
  readonly inFlightMax: number;
  /** Calls with an x-api-tran-id that was there before. */
  readonly repeatedTransactionIds: number;
  readonly deliveries: DeliveryTotals;
}

/** How one call ended. */
export type CallEnd =
  | { readonly kind: "answered"; readonly code: string }
  | { readonly kind: "unanswered"; readonly how: OutageKind | "abandoned" };

export class CallCounters {
  requests = 0;
  inFlight = 0;
  inFlightMax = 0;
  repeatedTransactionIds = 0;
  readonly answersByCode: Record<string, number> = {};
  readonly unanswered = { reset: 0, unavailable: 0, silent: 0, abandoned: 0 };

  begin(): void {
    this.requests++;
    this.inFlight++;
    this.inFlightMax = Math.max(this.inFlightMax, this.inFlight);
  }

  end(end: CallEnd): void {
    this.inFlight--;
    if (end.kind === "answered") this.answersByCode[end.code] = (this.answersByCode[end.code] ?? 0) + 1;
    else this.unanswered[end.how]++;
  }
}
