// pure
/** What can be wrong with bytes from the wire. Stable: metrics count by these codes. */
export type ProtocolErrorCode = 'BAD_LENGTH' | 'BAD_MESSAGE_ID' | 'BAD_BODY' | 'BAD_ADDRESS';

/** Thrown for bytes or text that are not what the protocol says they must be. */
export class LarsProtocolError extends Error {
  override readonly name = 'LarsProtocolError';
  readonly code: ProtocolErrorCode;

  constructor(code: ProtocolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
