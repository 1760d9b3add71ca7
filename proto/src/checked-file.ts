// pure
/**
 * A file that says of itself whether it is whole: one line of text in front, then the body. The line has the kind of file, the version of its format, the
 * body's length and CRC-32, and when it was written, as in `lars agent-routes 1 5120 0badf00d 1790000000000`.
 */

/** Of bytes, 0 to 2^32-1; injected, for Node has it and a pure file has not. */
export type Crc32 = (bytes: Uint8Array) => number;

export interface FileKind {
  /** Letters and hyphens. */
  readonly name: string;
  /** Counts up with each change of the body's format. */
  readonly version: number;
}

export type CheckedFile =
  | { readonly isWhole: true; readonly body: Uint8Array /** Unix milliseconds. */; readonly writtenAtMs: number }
  /** `why` completes a sentence that begins with the file's name. */
  | { readonly isWhole: false; readonly why: string };

/** A header line is shorter than this; more is not looked at. */
const MAX_HEADER_BYTES = 200;
const NEWLINE = 0x0a;
const HEADER = /^lars ([a-z-]+) (\d{1,9}) (\d{1,15}) ([0-9a-f]{8}) (\d{1,15})$/;

export function encodeCheckedFile(kind: FileKind, body: Uint8Array, writtenAtMs: number, crc32: Crc32): Uint8Array {
  const header = encodeFileHeader(kind, body.length, crc32(body), writtenAtMs);
  const file = new Uint8Array(header.length + body.length);
  file.set(header);
  file.set(body, header.length);
  return file;
}

/** What stands in front of the body, whose length and checksum are given. */
export function encodeFileHeader(kind: FileKind, bodyLength: number, checksum: number, writtenAtMs: number): Uint8Array {
  const hex = checksum.toString(16).padStart(8, '0');
  const text = `lars ${kind.name} ${kind.version} ${bodyLength} ${hex} ${Math.floor(writtenAtMs)}\n`;
  const header = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) header[at] = text.charCodeAt(at);
  return header;
}

/** Never throws, whatever the bytes are. The body is a view of them. */
export function decodeCheckedFile(kind: FileKind, file: Uint8Array, crc32: Crc32): CheckedFile {
  const end = file.subarray(0, MAX_HEADER_BYTES).indexOf(NEWLINE);
  const header = end < 0 ? null : HEADER.exec(String.fromCharCode(...file.subarray(0, end)));
  if (header === null) return unusable(file.length === 0 ? 'is empty' : 'was not written by LARS');
  const [, name, version, length, checksum, writtenAtMs] = header;
  if (name !== kind.name) return unusable(`is another kind of file: ${name}`);
  if (Number(version) > kind.version)
    return unusable(`is of format ${version}, which is newer than this program (format ${kind.version})`);
  if (Number(version) < kind.version)
    return unusable(`is of the old format ${version} (this program has format ${kind.version})`);
  const body = file.subarray(end + 1);
  if (body.length !== Number(length)) return unusable(`is torn: ${body.length} of ${length} bytes are there`);
  if (crc32(body) !== Number.parseInt(checksum as string, 16)) return unusable('is damaged: its checksum differs');
  return { isWhole: true, body, writtenAtMs: Number(writtenAtMs) };
}

function unusable(why: string): CheckedFile {
  return { isWhole: false, why };
}
