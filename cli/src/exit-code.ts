// pure
export const ExitCode = {
  Ok: 0,
  /** An answer that is no success (NOEXIST, OVERLOAD, something is down), or the command could not do what it was asked for. */
  Failed: 1,
  /** Bad arguments. */
  Usage: 2,
  /** The change would remove much, and nothing was changed: it wants --yes. */
  Unconfirmed: 3,
  /** What is to be undone was changed since, and nothing was changed. */
  Conflict: 4,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** The exit codes of all commands, as the help, the man page and docs/operations.md have them. */
export const EXIT_CODE_MEANINGS: readonly (readonly [ExitCode, string])[] = [
  [ExitCode.Ok, 'done'],
  [ExitCode.Failed, 'failed (no such module, no host may be called, something down or wrong, a start that failed)'],
  [ExitCode.Usage, 'bad arguments'],
  [ExitCode.Unconfirmed, 'the change would remove much, and nothing was changed: it wants --yes'],
  [ExitCode.Conflict, 'what is to be undone was changed since, and nothing was changed'],
];
