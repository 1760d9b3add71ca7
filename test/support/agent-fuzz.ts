/** Requests to fuzz an agent with, and what it must count for each mutant of them. */
import {
  type BatchReportRequest,
  decodeBody,
  decodeDatagram,
  type HostInfo,
  type HostKey,
  hostKey,
  LarsProtocolError,
  MessageId,
  Purpose,
  type RouteKey,
  routeKey,
} from '@lars/proto';
import type { ShardCounter } from '../../agent/src/counters.ts';
import { batchFrame, getHostFrame, getRouteFrame, hostInfo, hostInfos, namedHost, reportFrame } from './agent-messages.ts';

/** What an agent that is fuzzed holds. */
export const FUZZ_MODULES = [
  { modid: 1, cmdid: 1 },
  { modid: 2, cmdid: 1 },
  { modid: 3, cmdid: 1 },
  { modid: -7, cmdid: 2 ** 31 - 1 },
] as const;
export const FUZZ_HOSTS: readonly HostInfo[] = [...hostInfos(3), namedHost('db.example')];

/** The modules that the agent holds, and their hosts. */
const ROUTES = new Map<RouteKey, ReadonlySet<HostKey>>(
  FUZZ_MODULES.map(({ modid, cmdid }) => [routeKey(modid, cmdid), new Set(FUZZ_HOSTS.map(hostKey))]),
);

/** A request of every kind about every module, and about one that does not exist. */
export const FUZZ_FRAMES: readonly Uint8Array[] = [...FUZZ_MODULES, { modid: 1, cmdid: 300 }].flatMap(module => [
  getHostFrame({ ...module, seq: 2 ** 31 }),
  getHostFrame({ ...module, seq: 7, features: 1 }),
  getRouteFrame(module),
  getRouteFrame({ ...module, version: 5, features: 1 }),
  reportFrame({ ...module, host: hostInfo(1), retcode: 1, tcost: 250 }),
  reportFrame({ ...module, host: namedHost('db.example') }),
  batchFrame({ ...module, results: FUZZ_HOSTS.map(host => ({ ...host, succ: 3, err: 1, tcost: 90 })) }),
]);

/** Mutations that never get past the length check would prove little: each of these must come in numbers. */
export const FUZZ_OUTCOMES = [
  'badLength',
  'badMessageId',
  'badBody',
  'getHost',
  'getRoute',
  'reportedCalls',
  'reportUnknownHost',
] as const;

/** What an agent must count for one datagram, and whether it must answer. */
export interface Verdict {
  readonly answer: boolean;
  /** Undefined for what is no message. */
  readonly module: { readonly modid: number; readonly cmdid: number } | undefined;
  readonly counts: Counts;
}

export type Counts = Partial<Record<ShardCounter | 'answers', number>>;

const MAX_BATCH_CALLS = 100_000;

export function judge(datagram: Uint8Array): Verdict {
  try {
    const { id, body } = decodeDatagram(datagram);
    if (id === MessageId.GetHostRequest) {
      const request = decodeBody(id, body);
      return asked(request, request.purpose === Purpose.Look ? 'getHostLooks' : 'getHost');
    }
    if (id === MessageId.ApiGetRouteRequest) return asked(decodeBody(id, body), 'getRoute');
    if (id === MessageId.BatchReportRequest) return told(decodeBody(id, body));
    if (id === MessageId.ReportRequest) {
      const { modid, cmdid, host } = decodeBody(id, body);
      const results = [{ ip: 0, port: 0, addr: '', ...host, succ: 1, err: 0, tcost: 0 }];
      return told({ modid, cmdid, results, fromCopy: false, simulated: false });
    }
    return dropped('badMessageId');
  } catch (error) {
    if (!(error instanceof LarsProtocolError)) throw error;
    return dropped(error.code === 'BAD_LENGTH' ? 'badLength' : 'badBody');
  }
}

function asked(module: NonNullable<Verdict['module']>, counter: 'getHost' | 'getHostLooks' | 'getRoute'): Verdict {
  return { answer: true, module, counts: { [counter]: 1 } };
}

function dropped(reason: ShardCounter): Verdict {
  return { answer: false, module: undefined, counts: { [reason]: 1 } };
}

function told(batch: BatchReportRequest): Verdict {
  const hosts = ROUTES.get(routeKey(batch.modid, batch.cmdid));
  if (hosts === undefined) return { answer: false, module: batch, counts: { reportUnknownModule: 1 } };
  const counter = batch.simulated ? 'simulatedCalls' : 'reportedCalls';
  const counts = { reportedCalls: 0, simulatedCalls: 0, reportUnknownHost: 0, reportCallsCut: 0 };
  let room = MAX_BATCH_CALLS;
  for (const result of batch.results) {
    const calls = Math.min(room, result.succ + result.err);
    room -= calls;
    counts.reportCallsCut += result.succ + result.err - calls;
    if (calls === 0 || hosts.has(hostKey(result))) counts[counter] += calls;
    else counts.reportUnknownHost += 1;
  }
  return { answer: false, module: batch, counts };
}

export function addCounts(sum: Record<string, number>, counts: Counts): void {
  for (const [name, amount] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + amount;
}
