// pure
/**
 * A frame is a header and a protobuf body. Over UDP one datagram is one frame; over TCP frames follow one another in any number of
 * pieces, which frame-decoder.ts puts together.
 */
import { encodeBody } from './codec.ts';
import { LarsProtocolError } from './errors.ts';
import { HEADER_BYTES, MAX_BODY_BYTES, readBodyLength, readMessageId, writeHeader } from './header.ts';
import type { MessageId, MessageOf } from './messages.ts';

export interface Frame {
  readonly id: number;
  /** Borrowed: valid only as long as the bytes that it was taken from. */
  readonly body: Uint8Array;
}

/**
 * One whole frame.
 * @throws {LarsProtocolError} BAD_LENGTH when the body is larger than a header can announce
 */
export function encodeFrame<Id extends MessageId>(id: Id, message: MessageOf[Id]): Uint8Array {
  const body = encodeBody(id, message);
  if (body.length > MAX_BODY_BYTES) {
    throw new LarsProtocolError('BAD_LENGTH', `message ${id} has ${body.length} bytes, a frame takes ${MAX_BODY_BYTES}`);
  }
  const frame = new Uint8Array(HEADER_BYTES + body.length);
  writeHeader(frame, 0, id, body.length);
  frame.set(body, HEADER_BYTES);
  return frame;
}

/**
 * Takes a datagram apart. The body is a view into it.
 * @throws {LarsProtocolError} BAD_LENGTH when it is shorter than a header or its length is not what the header says
 */
export function decodeDatagram(datagram: Uint8Array): Frame {
  if (datagram.length < HEADER_BYTES) {
    throw new LarsProtocolError('BAD_LENGTH', `a datagram of ${datagram.length} bytes is shorter than a header`);
  }
  const bodyBytes = readBodyLength(datagram, 0);
  if (bodyBytes !== datagram.length - HEADER_BYTES) {
    throw new LarsProtocolError(
      'BAD_LENGTH',
      `the header announces ${bodyBytes} bytes, the datagram carries ${datagram.length - HEADER_BYTES}`,
    );
  }
  return { id: readMessageId(datagram, 0), body: datagram.subarray(HEADER_BYTES) };
}
