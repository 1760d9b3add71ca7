/** The first bytes of a TLS client, made by hand, so that they can be as long and as cut up as a test wants them. */

/** A ClientHello in TLS records. @param name of the server; undefined: it names none */
export function clientHello(
  name: string | undefined,
  { paddingBytes, records }: { readonly paddingBytes: number; readonly records: number },
): Buffer[] {
  const padding = extension(21, Buffer.alloc(paddingBytes));
  const extensions = Buffer.concat([padding, ...(name === undefined ? [] : [serverName(name)])]);
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32, 7),
    sized(1, Buffer.alloc(32, 9)),
    sized(2, Buffer.from([0x13, 0x01])),
    sized(1, Buffer.from([0])),
    sized(2, extensions),
  ]);
  const handshake = Buffer.concat([Buffer.from([1]), sized(3, body)]);
  const size = Math.ceil(handshake.length / records);
  return Array.from({ length: Math.ceil(handshake.length / size) }, (_, at) =>
    Buffer.concat([Buffer.from([22, 3, 1]), sized(2, handshake.subarray(at * size, (at + 1) * size))]),
  );
}

function serverName(name: string): Buffer {
  return extension(0, sized(2, Buffer.concat([Buffer.from([0]), sized(2, Buffer.from(name))])));
}

function extension(type: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type >> 8, type & 255]), sized(2, body)]);
}

/** A body behind its length, in so many bytes. */
function sized(bytes: number, body: Buffer): Buffer {
  const length = Buffer.alloc(bytes);
  length.writeUIntBE(body.length, 0, bytes);
  return Buffer.concat([length, body]);
}
