// pure

/** How far a request had come when it failed. */
export interface FailedRequest {
  readonly method: string;
  readonly body: unknown;
  /** It was written to a connection, at least in part. */
  readonly wasSent: boolean;
  /** A part of the response has come. */
  readonly wasAnswered: boolean;
  readonly error: unknown;
}

const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
/** The connection broke. A host that only takes long may be at work on the request. */
const BROKEN: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/**
 * Whether another host may be asked: always where the request never reached a connection, and else only where it does no harm twice, where no byte of a
 * response has come, and where its body can be sent again.
 */
export function mayRetry({ method, body, wasSent, wasAnswered, error }: FailedRequest): boolean {
  if (!wasSent) return true;
  if (wasAnswered || !IDEMPOTENT.has(method.toUpperCase())) return false;
  return BROKEN.has(codeOf(error)) && isRepeatable(body);
}

/** Errors by which a request fails wherever it is sent; the first ones because this process, or its machine, has no descriptor or port left. */
const CALLERS: ReadonlySet<string> = new Set([
  'EMFILE',
  'ENFILE',
  'EADDRNOTAVAIL',
  'UND_ERR_ABORTED',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
  'UND_ERR_INVALID_ARG',
  'UND_ERR_NOT_SUPPORTED',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
]);

/** Whether the host or the way to it made the request fail, rather than the caller: what the body of a request throws has no code. */
export function isHostsFault(error: unknown): boolean {
  const code = codeOf(error);
  return typeof code === 'string' && !CALLERS.has(code) && !/^ERR_(?!TLS_|SSL_)/.test(code);
}

function codeOf(error: unknown): unknown {
  return (Object(error) as { readonly code?: unknown }).code;
}

function isRepeatable(body: unknown): boolean {
  return body === undefined || body === null || typeof body === 'string' || body instanceof Uint8Array;
}
