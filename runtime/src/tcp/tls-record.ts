// pure
const CONTENT_TYPES = { first: 0x14, last: 0x17 } as const;
const TLS_MAJOR = 3;

/** Whether the bytes begin a record of TLS. As a frame they would have a message id that LARS does not have. */
export function isTlsRecord(bytes: Uint8Array): boolean {
  const [type = 0, major = 0, minor = 0xff] = bytes;
  return type >= CONTENT_TYPES.first && type <= CONTENT_TYPES.last && major === TLS_MAJOR && minor <= 4;
}
