// pure
export const ExitCode = {
  Ok: 0,
  /** An answer that is no success (NOEXIST, OVERLOAD, something is down), or what was asked for could not be done. */
  Failed: 1,
  /** Bad arguments. */
  Usage: 2,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
