/**
 * What the institutions use each code of jobs/mydata/response-codes.ts for. The standard's appendix is not at hand: where several codes are
 * of one class, which of them means what is our choice.
 */
export const responseCode = {
  ok: "00000",
  /** A missing or malformed header, or an x-api-tran-id that was there before. */
  badHeader: "40001",
  badParameter: "40002",
  badCursor: "40003",
  /** A page or a range that is larger than allowed. */
  beyondLimit: "40004",
  badToken: "40101",
  /** A token of another institution. */
  foreignToken: "40104",
  expiredToken: "40105",
  /** The consent has expired or was withdrawn. */
  noConsent: "40106",
  /** The consent does not cover the asset. */
  assetNotCovered: "40301",
  notFound: "40402",
  closedAsset: "40403",
  tooManyRequests: "42901",
  serverError: "50001",
  maintenance: "50008",
  outsideWindow: "50009",
} as const;
