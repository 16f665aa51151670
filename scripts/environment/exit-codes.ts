/** What a command ends with; docs/CLI.md says the same. They are stable. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  /** A command that looks for something wrong has found it: doctor, a check, a comparison. */
  found: 3,
  /** A change was not confirmed, and nothing was changed. */
  unconfirmed: 4,
} as const;
