// pure
export { decodeBody, encodeBody } from './codec.ts';
export { LarsProtocolError, type ProtocolErrorCode } from './errors.ts';
export { decodeDatagram, encodeFrame, type Frame } from './frame.ts';
export { FrameDecoder } from './frame-decoder.ts';
export {
  HEADER_BYTES,
  MAX_BODY_BYTES,
  MAX_DATAGRAM_BYTES,
  readBodyLength,
  readInt32,
  readMessageId,
  writeHeader,
} from './header.ts';
export {
  formatHost,
  formatHostName,
  formatIpv4,
  type HostAddress,
  type HostKey,
  hostKey,
  isCallable,
  isIpv6,
  isPort,
  parseHost,
  parseIpv4,
} from './host-address.ts';
export { isUnderstood, neededFeatures } from './host-features.ts';
export {
  type BatchReportRequest,
  type BatchResult,
  countedWeight,
  DEFAULT_WEIGHT,
  Feature,
  type GetHostRequest,
  type GetHostResponse,
  type GetRouteRequest,
  type GetRouteResponse,
  type HostCallResult,
  type HostInfo,
  type LinkAccepted,
  type LinkChallenge,
  type LinkProof,
  MessageId,
  type MessageOf,
  Purpose,
  type ReportRequest,
  type ReportStatusAck,
  type ReportStatusRequest,
  ReturnCode,
} from './messages.ts';
export {
  formatModule,
  INT32_MAX,
  INT32_MIN,
  isInt32,
  type ModuleId,
  parseModule,
  type RouteKey,
  routeKey,
  SHARD_COUNT,
  shardOf,
} from './route-key.ts';
