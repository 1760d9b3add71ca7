// pure
/** The server name (SNI) in the ClientHello with which a TLS client begins, however it is cut into TLS records and segments. */

export type HelloParse =
  /** The bytes may become a ClientHello, and more must be read. */
  | { readonly kind: 'more' }
  /** It is no TLS, or names no server. */
  | { readonly kind: 'none' }
  /** `name` is in lower case. */
  | { readonly kind: 'name'; readonly name: string };

/** With key shares for the time after quantum computers a ClientHello has some kilobytes; whoever sends more has no name. */
export const HELLO_MAX_BYTES = 32_768;

const RECORD_HEAD_BYTES = 5;
const RECORD_MAX_BYTES = 16_384 + 256;
const HANDSHAKE_RECORD = 22;
const HANDSHAKE_HEAD_BYTES = 4;
const CLIENT_HELLO = 1;
const SERVER_NAME_EXTENSION = 0;
const HOST_NAME = 0;

const MORE: HelloParse = { kind: 'more' };
const NONE: HelloParse = { kind: 'none' };

/** Reads the server name at the front of a connection's bytes, of which any number may have come. */
export function findServerName(bytes: Uint8Array): HelloParse {
  const handshake: number[] | 'bad' = handshakeBytes(bytes);
  if (handshake === 'bad') return NONE;
  const more = bytes.length >= HELLO_MAX_BYTES ? NONE : MORE;
  if (handshake.length === 0) return more;
  if (handshake[0] !== CLIENT_HELLO) return NONE;
  if (handshake.length < HANDSHAKE_HEAD_BYTES) return more;
  const length = number(handshake, 1, 3);
  if (length > HELLO_MAX_BYTES) return NONE;
  if (handshake.length < HANDSHAKE_HEAD_BYTES + length) return more;
  return nameIn(handshake.slice(HANDSHAKE_HEAD_BYTES, HANDSHAKE_HEAD_BYTES + length));
}

/** What the records carry, one after the other, as far as they have come. */
function handshakeBytes(bytes: Uint8Array): number[] | 'bad' {
  const handshake: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    // The first byte decides: a client that speaks no TLS is not to wait.
    if (bytes[at] !== HANDSHAKE_RECORD || (at + 1 < bytes.length && bytes[at + 1] !== 3)) return at === 0 ? 'bad' : handshake;
    if (bytes.length - at < RECORD_HEAD_BYTES) return handshake;
    const length = ((bytes[at + 3] as number) << 8) | (bytes[at + 4] as number);
    if (length === 0 || length > RECORD_MAX_BYTES) return 'bad';
    at += RECORD_HEAD_BYTES;
    for (const byte of bytes.subarray(at, at + length)) handshake.push(byte);
    at += length;
  }
  return handshake;
}

function nameIn(hello: readonly number[]): HelloParse {
  // Version and random; then session id, cipher suites and compression methods, each behind its length.
  let at = 2 + 32;
  for (const lengthBytes of [1, 2, 1]) at += lengthBytes + number(hello, at, lengthBytes);
  const end = Math.min(hello.length, at + 2 + number(hello, at, 2));
  at += 2;
  while (at + 4 <= end) {
    const type = number(hello, at, 2);
    const length = number(hello, at + 2, 2);
    at += 4;
    if (type === SERVER_NAME_EXTENSION && at + length <= end) return hostNameIn(hello.slice(at, at + length));
    at += length;
  }
  return NONE;
}

function hostNameIn(list: readonly number[]): HelloParse {
  const length = number(list, 3, 2);
  if (list[2] !== HOST_NAME || length === 0 || 5 + length > list.length) return NONE;
  const name = String.fromCharCode(...list.slice(5, 5 + length)).toLowerCase();
  return /^[!-~]+$/.test(name) ? { kind: 'name', name: name.replace(/\.$/, '') } : NONE;
}

/** A number of so many bytes; 0 beyond the end. */
function number(bytes: readonly number[], at: number, size: number): number {
  let value = 0;
  for (let each = 0; each < size; each++) value = value * 256 + (bytes[at + each] ?? 0);
  return value;
}
