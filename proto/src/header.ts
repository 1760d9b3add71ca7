// pure
/**
 * The header in front of every message: its id and the length of its body, two little-endian int32. And the sizes that a message may have.
 */
export const HEADER_BYTES = 8;
/** The largest body that a header may announce. */
export const MAX_BODY_BYTES = 65_527;
/** The largest IPv4 UDP payload. */
export const MAX_DATAGRAM_BYTES = 65_507;

const BODY_LENGTH_AT = 4;

/** Which message the header at `at` announces. */
export function readMessageId(bytes: Uint8Array, at: number): number {
  return readInt32(bytes, at);
}

/** How many bytes of body the header at `at` announces; a hostile one may say a negative number. */
export function readBodyLength(bytes: Uint8Array, at: number): number {
  return readInt32(bytes, at + BODY_LENGTH_AT);
}

export function writeHeader(bytes: Uint8Array, at: number, id: number, bodyBytes: number): void {
  writeInt32(bytes, at, id);
  writeInt32(bytes, at + BODY_LENGTH_AT, bodyBytes);
}

export function readInt32(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

function writeInt32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >> 8;
  bytes[at + 2] = value >> 16;
  bytes[at + 3] = value >> 24;
}
