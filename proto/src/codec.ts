// pure
/**
 * Message bodies to bytes and back, field by field, on protobufjs' Writer and Reader; docs/decisions/0001-codec.md says why it is
 * written out. A field that comes with another wire type is skipped like an unknown one, as the deployed C++ peers do.
 * test/unit/proto/codec.test.ts compares it with what protobufjs makes of lars.proto.
 */
import protobuf from 'protobufjs/minimal.js';
import { LarsProtocolError } from './errors.ts';
import {
  bytes,
  type FieldsCodec,
  readMessage,
  readString,
  readUint64,
  skip,
  varint,
  writeBool,
  writeInt32,
  writeMessage,
  writeString,
  writeUint32,
  writeUint64,
} from './fields.ts';
import { linkAccepted, linkChallenge, linkProof } from './link-codec.ts';
import {
  type BatchReportRequest,
  type BatchResult,
  type GetHostRequest,
  type GetHostResponse,
  type GetRouteRequest,
  type GetRouteResponse,
  type HostCallResult,
  type HostInfo,
  MessageId,
  type MessageOf,
  type ReportRequest,
  type ReportStatusAck,
  type ReportStatusRequest,
} from './messages.ts';

/**
 * The body of one message, without the header.
 * @throws {LarsProtocolError} BAD_MESSAGE_ID for an id that this version does not speak
 */
export function encodeBody<Id extends MessageId>(id: Id, message: MessageOf[Id]): Uint8Array {
  const writer = protobuf.Writer.create();
  codecOf(id).write(message, writer);
  return writer.finish();
}

/**
 * Reads one message body. Unknown fields are skipped; where a field comes twice, the last value counts.
 * @throws {LarsProtocolError} BAD_BODY when the bytes are no such message, BAD_MESSAGE_ID for an unknown id
 */
export function decodeBody<Id extends MessageId>(id: Id, body: Uint8Array): MessageOf[Id] {
  const codec = codecOf(id);
  try {
    return codec.read(protobuf.Reader.create(body), body.length);
  } catch (cause) {
    throw new LarsProtocolError('BAD_BODY', `the body of message ${id} (${body.length} bytes) does not parse`, { cause });
  }
}

function codecOf<Id extends MessageId>(id: Id): FieldsCodec<MessageOf[Id]> {
  const codec = codecs[id];
  if (codec === undefined) throw new LarsProtocolError('BAD_MESSAGE_ID', `message id ${id} is not known`);
  return codec;
}

const hostInfo: FieldsCodec<HostInfo> = {
  write(m, w) {
    writeInt32(w, 1, m.ip);
    writeInt32(w, 2, m.port);
    writeUint32(w, 3, m.weight);
    writeString(w, 4, m.addr);
    writeString(w, 5, m.zone);
    writeBool(w, 6, m.drain);
  },
  read(r, end) {
    const m = { ip: 0, port: 0, weight: 0, addr: '', zone: '', drain: false };
    while (r.pos < end) {
      const tag = r.tag();
      if (tag === varint(1)) m.ip = r.int32();
      else if (tag === varint(2)) m.port = r.int32();
      else if (tag === varint(3)) m.weight = r.uint32();
      else if (tag === bytes(4)) m.addr = readString(r);
      else if (tag === bytes(5)) m.zone = readString(r);
      else if (tag === varint(6)) m.drain = r.bool();
      else skip(r, tag);
    }
    return m;
  },
};

const getRouteRequest: FieldsCodec<GetRouteRequest> = {
  write(m, w) {
    writeInt32(w, 1, m.modid);
    writeInt32(w, 2, m.cmdid);
    writeUint64(w, 3, m.version);
    writeUint32(w, 4, m.features);
  },
  read(r, end) {
    const m = { modid: 0, cmdid: 0, version: 0, features: 0 };
    while (r.pos < end) {
      const tag = r.tag();
      if (tag === varint(1)) m.modid = r.int32();
      else if (tag === varint(2)) m.cmdid = r.int32();
      else if (tag === varint(3)) m.version = readUint64(r);
      else if (tag === varint(4)) m.features = r.uint32();
      else skip(r, tag);
    }
    return m;
  },
};

const getRouteResponse: FieldsCodec<GetRouteResponse> = {
  write(m, w) {
    writeInt32(w, 1, m.modid);
    writeInt32(w, 2, m.cmdid);
    for (const host of m.host) writeMessage(w, 3, hostInfo, host);
    writeUint64(w, 4, m.version);
    writeBool(w, 5, m.overload);
    writeBool(w, 6, m.notModified);
  },
  read(r, end) {
    const host: HostInfo[] = [];
    const m = { modid: 0, cmdid: 0, host, version: 0, overload: false, notModified: false };
    while (r.pos < end) {
      const tag = r.tag();
      if (tag === varint(1)) m.modid = r.int32();
      else if (tag === varint(2)) m.cmdid = r.int32();
      else if (tag === bytes(3)) host.push(readMessage(r, hostInfo));
      else if (tag === varint(4)) m.version = readUint64(r);
      else if (tag === varint(5)) m.overload = r.bool();
      else if (tag === varint(6)) m.notModified = r.bool();
      else skip(r, tag);
    }
    return m;
  },
};

const hostCallResult: FieldsCodec<HostCallResult> = {
  write(m, w) {
    writeInt32(w, 1, m.ip);
    writeInt32(w, 2, m.port);
    writeUint32(w, 3, m.succ);
    writeUint32(w, 4, m.err);
    writeBool(w, 5, m.overload);
    writeString(w, 6, m.addr);
    writeUint32(w, 7, m.weight);
    writeUint64(w, 8, m.tcost);
    writeUint32(w, 9, m.probes);
  },
  read(r, end) {
    const m = { ip: 0, port: 0, succ: 0, err: 0, overload: false, addr: '', weight: 0, tcost: 0, probes: 0 };
    while (r.pos < end) {
      const tag = r.tag();
      if (tag === varint(1)) m.ip = r.int32();
      else if (tag === varint(2)) m.port = r.int32();
      else if (tag === varint(3)) m.succ = r.uint32();
      else if (tag === varint(4)) m.err = r.uint32();
      else if (tag === varint(5)) m.overload = r.bool();
      else if (tag === bytes(6)) m.addr = readString(r);
      else if (tag === varint(7)) m.weight = r.uint32();
      else if (tag === varint(8)) m.tcost = readUint64(r);
      else if (tag === varint(9)) m.probes = r.uint32();
      else skip(r, tag);
    }
    return m;
  },
};

const reportStatusRequest: FieldsCodec<ReportStatusRequest> = {
  write(m, w) {
    writeInt32(w, 1, m.modid);
    writeInt32(w, 2, m.cmdid);
    writeInt32(w, 3, m.caller);
    for (const result of m.results) writeMessage(w, 4, hostCallResult, result);
    writeUint32(w, 5, m.ts);
    writeUint64(w, 6, m.seq);
    writeString(w, 7, m.agent);
  },
  read(r, end) {
    const results: HostCallResult[] = [];
    const m = { modid: 0, cmdid: 0, caller: 0, results, ts: 0, seq: 0, agent: '' };
    while (r.pos < end) {
      const tag = r.tag();
      if (tag === varint(1)) m.modid = r.int32();
      else if (tag === varint(2)) m.cmdid = r.int32();
      else if (tag === varint(3)) m.caller = r.int32();
      else if (tag === bytes(4)) results.push(readMessage(r, hostCallResult));
      else if (tag === varint(5)) m.ts = r.uint32();
      else if (tag === varint(6)) m.seq = readUint64(r);
      else if (tag === bytes(7)) m.agent = readString(r);
      else skip(r, tag);
    }
    return m;
  },
};

const getHostRequest: FieldsCodec<GetHostRequest> = {
  write(m, w) {
    writeUint32(w, 1, m.seq);
    writeInt32(w, 2, m.modid);
    writeInt32(w, 3, m.cmdid);
    writeUint32(w, 4, m.features);
    writeUint32(w, 5, m.purpose);
  },
  read(r, end) {
    const m = { seq: 0, modid: 0, cmdid: 0, features: 0, purpose: 0 };
    while (r.pos < end) {
      const tag = r.tag();
      if (tag === varint(1)) m.seq = r.uint32();
      else if (tag === varint(2)) m.modid = r.int32();
      else if (tag === varint(3)) m.cmdid = r.int32();
      else if (tag === varint(4)) m.features = r.uint32();
      else if (tag === varint(5)) m.purpose = r.uint32();
      else skip(r, tag);
    }
    return m;
  },
};

const getHostResponse: FieldsCodec<GetHostResponse> = {
  write(m, w) {
    writeUint32(w, 1, m.seq);
    writeInt32(w, 2, m.modid);
    writeInt32(w, 3, m.cmdid);
    writeInt32(w, 4, m.retcode);
    if (m.host !== undefined) writeMessage(w, 5, hostInfo, m.host);
  },
  read(r, end) {
    const m = { seq: 0, modid: 0, cmdid: 0, retcode: 0, host: undefined as HostInfo | undefined };
    while (r.pos < end) {
      const tag = r.tag();
      if (tag === varint(1)) m.seq = r.uint32();
      else if (tag === varint(2)) m.modid = r.int32();
      else if (tag === varint(3)) m.cmdid = r.int32();
      else if (tag === varint(4)) m.retcode = r.int32();
      else if (tag === bytes(5)) m.host = readMessage(r, hostInfo);
      else skip(r, tag);
    }
    return m;
  },
};

const reportRequest: FieldsCodec<ReportRequest> = {
  write(m, w) {
    writeInt32(w, 1, m.modid);
    writeInt32(w, 2, m.cmdid);
    if (m.host !== undefined) writeMessage(w, 3, hostInfo, m.host);
    writeInt32(w, 4, m.retcode);
    writeUint32(w, 5, m.tcost);
  },
  read(r, end) {
    const m = { modid: 0, cmdid: 0, host: undefined as HostInfo | undefined, retcode: 0, tcost: 0 };
    while (r.pos < end) {
      const tag = r.tag();
      if (tag === varint(1)) m.modid = r.int32();
      else if (tag === varint(2)) m.cmdid = r.int32();
      else if (tag === bytes(3)) m.host = readMessage(r, hostInfo);
      else if (tag === varint(4)) m.retcode = r.int32();
      else if (tag === varint(5)) m.tcost = r.uint32();
      else skip(r, tag);
    }
    return m;
  },
};

const reportStatusAck: FieldsCodec<ReportStatusAck> = {
  write(m, w) {
    writeString(w, 1, m.agent);
    writeUint64(w, 2, m.seq);
  },
  read(r, end) {
    const m = { agent: '', seq: 0 };
    while (r.pos < end) {
      const tag = r.tag();
      if (tag === bytes(1)) m.agent = readString(r);
      else if (tag === varint(2)) m.seq = readUint64(r);
      else skip(r, tag);
    }
    return m;
  },
};

const batchResult: FieldsCodec<BatchResult> = {
  write(m, w) {
    writeInt32(w, 1, m.ip);
    writeInt32(w, 2, m.port);
    writeUint32(w, 3, m.succ);
    writeUint32(w, 4, m.err);
    writeUint64(w, 5, m.tcost);
    writeString(w, 6, m.addr);
  },
  read(r, end) {
    const m = { ip: 0, port: 0, succ: 0, err: 0, tcost: 0, addr: '' };
    while (r.pos < end) {
      const tag = r.tag();
      if (tag === varint(1)) m.ip = r.int32();
      else if (tag === varint(2)) m.port = r.int32();
      else if (tag === varint(3)) m.succ = r.uint32();
      else if (tag === varint(4)) m.err = r.uint32();
      else if (tag === varint(5)) m.tcost = readUint64(r);
      else if (tag === bytes(6)) m.addr = readString(r);
      else skip(r, tag);
    }
    return m;
  },
};

const batchReportRequest: FieldsCodec<BatchReportRequest> = {
  write(m, w) {
    writeInt32(w, 1, m.modid);
    writeInt32(w, 2, m.cmdid);
    for (const result of m.results) writeMessage(w, 3, batchResult, result);
    writeBool(w, 4, m.fromCopy);
    writeBool(w, 5, m.simulated);
  },
  read(r, end) {
    const results: BatchResult[] = [];
    const m = { modid: 0, cmdid: 0, results, fromCopy: false, simulated: false };
    while (r.pos < end) {
      const tag = r.tag();
      if (tag === varint(1)) m.modid = r.int32();
      else if (tag === varint(2)) m.cmdid = r.int32();
      else if (tag === bytes(3)) results.push(readMessage(r, batchResult));
      else if (tag === varint(4)) m.fromCopy = r.bool();
      else if (tag === varint(5)) m.simulated = r.bool();
      else skip(r, tag);
    }
    return m;
  },
};

const codecs: { readonly [Id in MessageId]: FieldsCodec<MessageOf[Id]> } = {
  [MessageId.GetRouteRequest]: getRouteRequest,
  [MessageId.GetRouteResponse]: getRouteResponse,
  [MessageId.ReportStatusRequest]: reportStatusRequest,
  [MessageId.GetHostRequest]: getHostRequest,
  [MessageId.GetHostResponse]: getHostResponse,
  [MessageId.ReportRequest]: reportRequest,
  [MessageId.ApiGetRouteRequest]: getRouteRequest,
  [MessageId.ApiGetRouteResponse]: getRouteResponse,
  [MessageId.ReportStatusAck]: reportStatusAck,
  [MessageId.BatchReportRequest]: batchReportRequest,
  [MessageId.LinkChallenge]: linkChallenge,
  [MessageId.LinkProof]: linkProof,
  [MessageId.LinkAccepted]: linkAccepted,
};
