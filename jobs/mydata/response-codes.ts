/** What an institution's `rsp_code` asks of whoever called. */
export type ResponseClass =
  /** The answer is there. */
  | "ok"
  /** The request itself is wrong: calling again cannot help. */
  | "bad-request"
  /** The access token is not accepted: refresh it once and call again. */
  | "token"
  /** The customer's consent is over, or never covered this: stop, and tell whoever keeps consents. */
  | "consent"
  /** A lasting fact about the data (no such asset, a closed account): store the fact. */
  | "terminal"
  /** Too many requests: obey the quota. */
  | "throttled"
  /** Trouble of the institution that passes: try again later. */
  | "temporary"
  /** Announced maintenance: come back when it is over. */
  | "maintenance"
  /** A scheduled call outside the institution's windows: come back at the next one. */
  | "outside-window";

/**
 * The response codes of the MyData standard API as far as they are known here, in one place so that they can be corrected when the official appendix is at hand.
 * HTTP status 200 does not mean "ok": the code in the body decides.
 */
export const responseClasses: Readonly<Record<string, ResponseClass>> = {
  "00000": "ok",
  "40001": "bad-request",
  "40002": "bad-request",
  "40003": "bad-request",
  "40004": "bad-request",
  "40101": "token",
  "40104": "consent",
  "40105": "token",
  "40106": "consent",
  "40301": "consent",
  "40302": "temporary",
  "40304": "terminal",
  "40305": "terminal",
  "40402": "terminal",
  "40403": "terminal",
  "42901": "throttled",
  "50001": "temporary",
  "50003": "temporary",
  "50004": "temporary",
  "50005": "temporary",
  "50006": "temporary",
  "50007": "temporary",
  "50008": "maintenance",
  "50009": "outside-window",
};

/** The class of a code; one that is not known is trouble that may pass, so that nothing is given up because of it. */
export const responseClassOf = (code: string): ResponseClass => responseClasses[code] ?? "temporary";
