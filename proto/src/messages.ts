// pure
/**
 * The messages of proto/lars.proto as TypeScript sees them. Every field is present: what the wire leaves out has its proto3
 * default. uint64 fields are numbers, exact up to 2^53 - 1.
 */

export const MessageId = {
  GetRouteRequest: 1,
  GetRouteResponse: 2,
  ReportStatusRequest: 3,
  GetHostRequest: 4,
  GetHostResponse: 5,
  ReportRequest: 6,
  ApiGetRouteRequest: 7,
  ApiGetRouteResponse: 8,
  ReportStatusAck: 101,
  BatchReportRequest: 102,
  LinkChallenge: 103,
  LinkProof: 104,
  LinkAccepted: 105,
} as const;
export type MessageId = (typeof MessageId)[keyof typeof MessageId];

export const ReturnCode = { Success: 0, Overload: 1, SystemError: 2, NoExist: 3 } as const;
export type ReturnCode = (typeof ReturnCode)[keyof typeof ReturnCode];

/** Bits of `features` in a request: what its sender understands. */
export const Feature = { HostAddr: 1, Drain: 2 } as const;

/** What a GetHostRequest is for. An agent that does not know the field takes each for a call. */
export const Purpose = {
  Call: 0,
  /** To see which host would be picked: nothing is counted. */
  Look: 1,
  /** A call that nobody makes; its result comes in a BatchReportRequest with `simulated`. */
  Simulation: 2,
} as const;

/** HostInfo.weight where the field is absent or 0. */
export const DEFAULT_WEIGHT = 100;

/** The weight that picks go by, and that people are shown. */
export function countedWeight(weight: number): number {
  return weight === 0 ? DEFAULT_WEIGHT : weight;
}

export interface HostInfo {
  /** IPv4 as a host-order number in a signed int32; 0 when `addr` is set. */
  readonly ip: number;
  readonly port: number;
  /** Relative capacity; 0 means DEFAULT_WEIGHT. */
  readonly weight: number;
  /** An IPv6 address or a DNS name; empty when `ip` is set. */
  readonly addr: string;
  readonly zone: string;
  /** The host gets no new calls and no probes; callers finish what they have in flight. */
  readonly drain: boolean;
}

export interface GetRouteRequest {
  readonly modid: number;
  readonly cmdid: number;
  readonly version: number;
  readonly features: number;
}

export interface GetRouteResponse {
  readonly modid: number;
  readonly cmdid: number;
  readonly host: readonly HostInfo[];
  readonly version: number;
  /** Agent pick only: callers must ask the agent for each call rather than pick from their copy of the route. Says nothing of a host. */
  readonly overload: boolean;
  /** The version in the request is the newest; `host` is empty then. */
  readonly notModified: boolean;
}

export interface HostCallResult {
  readonly ip: number;
  readonly port: number;
  readonly succ: number;
  readonly err: number;
  /** The host is ejected. */
  readonly overload: boolean;
  readonly addr: string;
  readonly weight: number;
  /** Sum of the calls' durations, ms. */
  readonly tcost: number;
  readonly probes: number;
}

export interface ReportStatusRequest {
  readonly modid: number;
  readonly cmdid: number;
  /** The agent's own IPv4, as in HostInfo.ip. */
  readonly caller: number;
  readonly results: readonly HostCallResult[];
  /** Unix seconds. */
  readonly ts: number;
  /** 0: the agent numbers nothing and expects no acknowledgement. */
  readonly seq: number;
  readonly agent: string;
}

export interface GetHostRequest {
  readonly seq: number;
  readonly modid: number;
  readonly cmdid: number;
  readonly features: number;
  /** One of Purpose; a number that is none counts as a call. */
  readonly purpose: number;
}

export interface GetHostResponse {
  readonly seq: number;
  readonly modid: number;
  readonly cmdid: number;
  readonly retcode: number;
  readonly host: HostInfo | undefined;
}

export interface ReportRequest {
  readonly modid: number;
  readonly cmdid: number;
  readonly host: HostInfo | undefined;
  readonly retcode: number;
  /** How long the call took, ms; 0 where the caller did not say. */
  readonly tcost: number;
}

export interface ReportStatusAck {
  readonly agent: string;
  readonly seq: number;
}

export interface BatchResult {
  readonly ip: number;
  readonly port: number;
  readonly succ: number;
  readonly err: number;
  readonly tcost: number;
  readonly addr: string;
}

export interface BatchReportRequest {
  readonly modid: number;
  readonly cmdid: number;
  readonly results: readonly BatchResult[];
  /** The hosts were picked from a copy of the route, not by getHost: the agent saw no call begin. */
  readonly fromCopy: boolean;
  /** Nobody was called: the balancer learns from the results, the statistics do not count them. */
  readonly simulated: boolean;
}

/** The server wants a proof that the client knows a token of its own. */
export interface LinkChallenge {
  /** Random, and never used again; hexadecimal. */
  readonly nonce: string;
}

export interface LinkProof {
  /** The client's own, with which the server proves that it knows the token too. */
  readonly nonce: string;
  readonly proof: string;
}

/** The server takes the connection: from now on it is as without a token. */
export interface LinkAccepted {
  /** Empty where no token was asked for. */
  readonly proof: string;
}

/** The type of the body that each id announces. */
export interface MessageOf {
  [MessageId.GetRouteRequest]: GetRouteRequest;
  [MessageId.GetRouteResponse]: GetRouteResponse;
  [MessageId.ReportStatusRequest]: ReportStatusRequest;
  [MessageId.GetHostRequest]: GetHostRequest;
  [MessageId.GetHostResponse]: GetHostResponse;
  [MessageId.ReportRequest]: ReportRequest;
  [MessageId.ApiGetRouteRequest]: GetRouteRequest;
  [MessageId.ApiGetRouteResponse]: GetRouteResponse;
  [MessageId.ReportStatusAck]: ReportStatusAck;
  [MessageId.BatchReportRequest]: BatchReportRequest;
  [MessageId.LinkChallenge]: LinkChallenge;
  [MessageId.LinkProof]: LinkProof;
  [MessageId.LinkAccepted]: LinkAccepted;
}
