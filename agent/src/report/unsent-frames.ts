// pure
/** The body of the file of unsent reports: ReportStatusRequests, frame after frame, as they go over TCP. */
import { decodeBody, FrameDecoder, HEADER_BYTES, LarsProtocolError, MessageId, writeHeader } from '@lars/proto';

export interface EarlierReport {
  readonly seq: number;
  readonly frame: Uint8Array;
}

/** Joins as many frames as there is room for; the newest have precedence, because a reader of statistics looks at them. */
export function joinFrames(
  frames: readonly Uint8Array[],
  maxBytes: number,
): { readonly body: Uint8Array; readonly left: number } {
  let bytes = 0;
  let first = frames.length;
  while (first > 0 && bytes + (frames[first - 1] as Uint8Array).length <= maxBytes) {
    first -= 1;
    bytes += (frames[first] as Uint8Array).length;
  }
  const body = new Uint8Array(bytes);
  let at = 0;
  for (const frame of frames.slice(first)) {
    body.set(frame, at);
    at += frame.length;
  }
  return { body, left: first };
}

/**
 * The numbered reports of each agent, as they stand in the file.
 * @throws {LarsProtocolError} when the body is no sequence of frames, or a frame is no report
 */
export function splitFrames(body: Uint8Array): ReadonlyMap<string, readonly EarlierReport[]> {
  const reports = new Map<string, EarlierReport[]>();
  new FrameDecoder().push(body, (id, bytes) => {
    if (id !== MessageId.ReportStatusRequest) throw new LarsProtocolError('BAD_MESSAGE_ID', `message id ${id} is no report`);
    const { agent, seq } = decodeBody(MessageId.ReportStatusRequest, bytes);
    const frame = new Uint8Array(HEADER_BYTES + bytes.length);
    writeHeader(frame, 0, id, bytes.length);
    frame.set(bytes, HEADER_BYTES);
    const earlier = reports.get(agent);
    if (earlier === undefined) reports.set(agent, [{ seq, frame }]);
    else earlier.push({ seq, frame });
  });
  return reports;
}
