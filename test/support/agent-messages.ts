/** The messages between business code and agent, written by naming only the fields that matter. */
import {
  type BatchReportRequest,
  type BatchResult,
  decodeBody,
  decodeDatagram,
  encodeFrame,
  type GetHostRequest,
  type GetHostResponse,
  type GetRouteRequest,
  type GetRouteResponse,
  type HostInfo,
  MessageId,
  type ReportRequest,
} from '@lars/proto';

/** Host number n: 10.0.0.1 with port n. */
export function hostInfo(n: number, details: Partial<HostInfo> = {}): HostInfo {
  return { ip: 0x0a00_0001, port: n, weight: 0, addr: '', zone: '', drain: false, ...details };
}

export function namedHost(addr: string, port = 80): HostInfo {
  return hostInfo(port, { ip: 0, addr });
}

export function hostInfos(count: number): HostInfo[] {
  return Array.from({ length: count }, (_, i) => hostInfo(i + 1));
}

export function getHostFrame(request: Partial<GetHostRequest>): Uint8Array {
  return encodeFrame(MessageId.GetHostRequest, { seq: 0, modid: 0, cmdid: 0, features: 0, purpose: 0, ...request });
}

export function getRouteFrame(request: Partial<GetRouteRequest>): Uint8Array {
  return encodeFrame(MessageId.ApiGetRouteRequest, { modid: 0, cmdid: 0, version: 0, features: 0, ...request });
}

export function reportFrame(request: Partial<ReportRequest>): Uint8Array {
  return encodeFrame(MessageId.ReportRequest, { modid: 0, cmdid: 0, host: undefined, retcode: 0, tcost: 0, ...request });
}

export function batchFrame(
  request: Omit<Partial<BatchReportRequest>, 'results'> & { results: readonly Partial<BatchResult>[] },
): Uint8Array {
  const results = request.results.map(result => ({ ip: 0, port: 0, succ: 0, err: 0, tcost: 0, addr: '', ...result }));
  return encodeFrame(MessageId.BatchReportRequest, {
    modid: 0,
    cmdid: 0,
    fromCopy: false,
    simulated: false,
    ...request,
    results,
  });
}

/** The id and the announced length of the frame are checked on the way. */
export function decodeGetHost(datagram: Uint8Array): GetHostResponse {
  return decodeBody(MessageId.GetHostResponse, bodyOf(MessageId.GetHostResponse, datagram));
}

export function decodeGetRoute(datagram: Uint8Array): GetRouteResponse {
  return decodeBody(MessageId.ApiGetRouteResponse, bodyOf(MessageId.ApiGetRouteResponse, datagram));
}

function bodyOf(id: MessageId, datagram: Uint8Array): Uint8Array {
  const frame = decodeDatagram(datagram);
  if (frame.id !== id) throw new Error(`expected message ${id}, this is ${frame.id}`);
  return frame.body;
}
