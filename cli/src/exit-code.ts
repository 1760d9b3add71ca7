// pure
export const ExitCode = {
  Ok: 0,
  /** An answer that is no success (NOEXIST, OVERLOAD, something is down), or the command could not do what it was asked for. */
  Failed: 1,
  /** Bad arguments. */
  Usage: 2,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
