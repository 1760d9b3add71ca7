// pure
/** What can be wrong with routes that somebody wants to write. Stable. */
export type RouteErrorCode =
  | 'BAD_MODID'
  | 'BAD_CMDID'
  | 'BAD_HOST'
  | 'BAD_WEIGHT'
  | 'BAD_ZONE'
  | 'BAD_DRAIN'
  | 'BAD_FORMAT'
  | 'CONFLICT'
  | 'NO_SUCH_HOST';

/** Its message is one line that names the field and, where the routes come from a file, the line. */
export class RouteError extends Error {
  override readonly name = 'RouteError';
  readonly code: RouteErrorCode;
  readonly line: number | undefined;

  constructor(code: RouteErrorCode, why: string, line?: number, options?: ErrorOptions) {
    super(line === undefined ? why : `line ${line}: ${why}`, options);
    this.code = code;
    this.line = line;
  }
}
