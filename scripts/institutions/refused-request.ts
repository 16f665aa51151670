export interface RefusalDetails {
  /** When it may be worth coming back, in seconds from now. */
  readonly retryAfterMs?: number;
  /** What stands in the body beside rsp_code and rsp_msg. */
  readonly fields?: Readonly<Record<string, string>>;
}

/** Why an institution does not answer with data. Thrown by whatever rule is broken first; becomes an answer in one place. */
export class RefusedRequest extends Error {
  readonly code: string;
  readonly details: RefusalDetails;

  constructor(code: string, message: string, details: RefusalDetails = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }
}
