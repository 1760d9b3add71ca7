// pure
/** What can go wrong, as callers tell it apart. Stable: code and metrics may compare these strings. */
export type LarsErrorCode =
  | 'LARS_OVERLOAD'
  | 'LARS_NO_EXIST'
  | 'LARS_SYSTEM_ERROR'
  | 'LARS_TIMEOUT'
  | 'LARS_AGENT_UNREACHABLE'
  | 'LARS_ABORTED'
  | 'LARS_CLOSED'
  | 'LARS_TOO_MANY_PENDING'
  | 'LARS_BAD_ARGUMENT';

export interface LarsErrorDetails {
  readonly modid?: number | undefined;
  readonly cmdid?: number | undefined;
  readonly cause?: unknown;
}

/** Everything that this package throws or rejects with by itself. What a function given to `call` throws passes unchanged. */
export class LarsError extends Error {
  override readonly name = 'LarsError';
  readonly code: LarsErrorCode;
  /** The module that was asked for, where the error belongs to one. */
  readonly modid: number | undefined;
  readonly cmdid: number | undefined;

  constructor(code: LarsErrorCode, message: string, details: LarsErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.modid = details.modid;
    this.cmdid = details.cmdid;
  }
}
