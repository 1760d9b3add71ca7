import {
  type BatchReportRequest,
  decodeBody,
  decodeDatagram,
  type HostKey,
  hostKey,
  LarsProtocolError,
  MessageId,
  type RouteKey,
  routeKey,
} from '@lars/proto';
import type { ShardCounter } from '../../../agent/src/counters.ts';

/** What an agent must count for one datagram, and whether it must answer. */
export interface Verdict {
  readonly answer: boolean;
  /** Undefined for what is no message. */
  readonly module: { readonly modid: number; readonly cmdid: number } | undefined;
  readonly counts: Counts;
}

export type Counts = Partial<Record<ShardCounter, number>>;

/** The modules that the agent holds, and their hosts. */
export type KnownRoutes = ReadonlyMap<RouteKey, ReadonlySet<HostKey>>;

const MAX_BATCH_CALLS = 100_000;

export function judge(datagram: Uint8Array, routes: KnownRoutes): Verdict {
  try {
    const { id, body } = decodeDatagram(datagram);
    if (id === MessageId.GetHostRequest) return asked(decodeBody(id, body), 'getHost');
    if (id === MessageId.ApiGetRouteRequest) return asked(decodeBody(id, body), 'getRoute');
    if (id === MessageId.BatchReportRequest) return told(decodeBody(id, body), routes);
    if (id === MessageId.ReportRequest) {
      const { modid, cmdid, host } = decodeBody(id, body);
      const results = [{ ip: 0, port: 0, addr: '', ...host, succ: 1, err: 0, tcost: 0 }];
      return told({ modid, cmdid, results }, routes);
    }
    return dropped('badMessageId');
  } catch (error) {
    if (!(error instanceof LarsProtocolError)) throw error;
    return dropped(error.code === 'BAD_LENGTH' ? 'badLength' : 'badBody');
  }
}

function asked(module: NonNullable<Verdict['module']>, counter: 'getHost' | 'getRoute'): Verdict {
  return { answer: true, module, counts: { [counter]: 1 } };
}

function dropped(reason: ShardCounter): Verdict {
  return { answer: false, module: undefined, counts: { [reason]: 1 } };
}

function told(batch: BatchReportRequest, routes: KnownRoutes): Verdict {
  const hosts = routes.get(routeKey(batch.modid, batch.cmdid));
  if (hosts === undefined) return { answer: false, module: batch, counts: { reportUnknownModule: 1 } };
  const counts = { report: 0, reportUnknownHost: 0, reportCallsCut: 0 };
  let room = MAX_BATCH_CALLS;
  for (const result of batch.results) {
    const calls = Math.min(room, result.succ + result.err);
    room -= calls;
    counts.reportCallsCut += result.succ + result.err - calls;
    if (calls === 0 || hosts.has(hostKey(result))) counts.report += calls;
    else counts.reportUnknownHost += 1;
  }
  return { answer: false, module: batch, counts };
}

export function addCounts(sum: Record<string, number>, counts: Counts): void {
  for (const [name, amount] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + amount;
}
