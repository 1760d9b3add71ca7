/** The shell of one shard: its UDP socket, its clock and its timers around the pure Shard. */

import { MessageChannel } from 'node:worker_threads';
import { systemClock } from '@lars/runtime/clock';
import { SharedCounters } from '@lars/runtime/counters';
import { listenError, StartupError } from '@lars/runtime/errors';
import { parseNetworks } from '@lars/runtime/udp/networks';
import { type LoadBalanceOptions, moduleBalancerFactory } from '../balancer/algorithm.ts';
import { type ShardCounter, type ShardGauge, shardCounters, shardGauges } from '../counters.ts';
import { MessageBatch, RouteQueryBatch } from '../threads/batches.ts';
import type { PackedRouteQueries, ShardMessage, ShardQuery, StatusReport } from '../threads/messages.ts';
import { runThread, type Thread, type ThreadBody } from '../threads/thread.ts';
import { AllowList } from '../udp/allow-list.ts';
import { type OpenedTransport, openTransport } from '../udp/open-transport.ts';
import type { DatagramTransport, TransportChoice } from '../udp/transport.ts';
import type { ForwardsInFlight } from './forwarding.ts';
import { Shard, type ShardOptions } from './shard.ts';

export interface ShardThreadData {
  readonly ip: string;
  readonly port: number;
  /** Conf key [udp] allow. */
  readonly allow: string;
  readonly transport: TransportChoice;
  readonly receiveBufferBytes: number;
  readonly shard: ShardOptions;
  readonly loadBalance: LoadBalanceOptions;
  readonly counters: SharedArrayBuffer;
  readonly gauges: SharedArrayBuffer;
  readonly forwardsInFlight: ForwardsInFlight;
}

const HOUSEKEEPING_MS = 1_000;

runThread<ShardThreadData, ShardMessage>(async thread => {
  const { data } = thread;
  const counters = new SharedCounters<ShardCounter>(shardCounters, data.counters);
  // The transport calls back only after it has been opened, and the shard answers late only through it.
  let transport: DatagramTransport | undefined;
  const outgoing = newOutgoing(thread);
  const shard = newShard(thread, counters, outgoing, () => transport);
  const waits = newWaitTimer(shard);
  let nowMs = 0;
  const allowList = newAllowList(thread, counters);
  const open = () =>
    openTransport(data.transport, {
      ip: data.ip,
      port: data.port,
      receiveBufferBytes: data.receiveBufferBytes,
      beforeBatch: () => {
        nowMs = systemClock.monotonicMs();
      },
      ...(allowList === undefined ? {} : { isAllowed: (ip: number) => allowList.allows(ip, nowMs) }),
      prefetcher: shard.prefetcher,
      onDatagram: (bytes, start, end, reply, replyStart, caller) =>
        shard.handleDatagram(bytes, start, end, reply, replyStart, caller, nowMs),
      afterBatch: () => {
        outgoing.urgentQueries.flush();
        waits.arm();
      },
      onSendError: () => counters.add(shardCounters.at.sendError),
    });
  const opened = await thread.withoutTermination(open).catch((error: NodeJS.ErrnoException) => {
    if (error instanceof StartupError) throw error;
    const { index } = data.shard;
    throw listenError(error, 'UDP port', data.ip, data.port, `conf key [udp] port${index === 0 ? '' : ` + ${index}`}`);
  });
  transport = opened.transport;
  return shardBody(thread, shard, opened, counters, outgoing, waits);
});

/** @returns undefined where everybody is answered */
function newAllowList({ data, log }: Thread<ShardThreadData>, counters: SharedCounters<ShardCounter>): AllowList | undefined {
  const networks = parseNetworks(data.allow) ?? [];
  if (networks.length === 0) return undefined;
  return new AllowList(networks, {
    onRefused: () => counters.add(shardCounters.at.senderRefused),
    warn: (event, fields) => log.warn(event, { ...fields, allow: data.allow }),
  });
}

/** What is collected for the threads that speak with the servers. */
interface Outgoing {
  /** Requests wait for the answers: flushed after each batch of datagrams. */
  readonly urgentQueries: RouteQueryBatch;
  /** No request waits for the answers: flushed with the housekeeping. */
  readonly otherQueries: RouteQueryBatch;
  readonly reports: MessageBatch<StatusReport>;
}

function newOutgoing(thread: Thread<ShardThreadData>): Outgoing {
  const postQueries = (queries: PackedRouteQueries) => thread.post('dns', { type: 'route-queries', queries });
  return {
    urgentQueries: new RouteQueryBatch(postQueries),
    otherQueries: new RouteQueryBatch(postQueries),
    reports: new MessageBatch(reports => thread.post('reporter', { type: 'status-reports', reports })),
  };
}

function newShard(
  thread: Thread<ShardThreadData>,
  counters: SharedCounters<ShardCounter>,
  { urgentQueries, otherQueries, reports }: Outgoing,
  transport: () => DatagramTransport | undefined,
): Shard {
  const { data, log } = thread;
  return new Shard(data.shard, {
    forwardsInFlight: data.forwardsInFlight,
    newBalancer: moduleBalancerFactory(data.loadBalance),
    random: Math.random,
    log,
    counters,
    fetchRoute: (module, version, urgent) => (urgent ? urgentQueries : otherQueries).add(module, version),
    sendStatus: report => reports.add(report),
    postToShard: (shard, message) => thread.post(shard, message),
    sendReply: (reply, caller) => transport()?.send(reply, caller),
  });
}

function shardBody(
  thread: Thread<ShardThreadData>,
  shard: Shard,
  { transport, fallbackReason }: OpenedTransport,
  counters: SharedCounters<ShardCounter>,
  { urgentQueries, otherQueries, reports }: Outgoing,
  waits: WaitTimer,
): ThreadBody<ShardMessage> {
  const gauges = new SharedCounters<ShardGauge>(shardGauges, thread.data.gauges);
  const countDrops = newDropCounter(transport, counters);
  const housekeeping = setInterval(() => {
    shard.flushDue(systemClock.monotonicMs(), systemClock.unixMs());
    reports.flush();
    otherQueries.flush();
    setGauges(shard, gauges);
    countDrops();
  }, HOUSEKEEPING_MS);
  return {
    port: transport.port,
    transport: transport.kind,
    facts: { receiveBufferBytes: transport.receiveBufferBytes, fallbackReason },
    onMessage: message => {
      shard.handleMessage(message, systemClock.monotonicMs(), systemClock.unixMs());
      // A route update flushes a status report; a forwarded request may need a route.
      urgentQueries.flush();
      reports.flush();
      waits.arm();
    },
    answer: query => answer(shard, query),
    onConnect: name => {
      if (name === 'dns') shard.refetchRoutes();
      urgentQueries.flush();
    },
    stop: async () => {
      clearInterval(housekeeping);
      waits.stop();
      shard.releaseAllParked(systemClock.monotonicMs());
      await transport.close();
      shard.flushAll(systemClock.monotonicMs(), systemClock.unixMs());
      reports.flush();
    },
  };
}

/** The transport tells all drops so far; each call counts those since the call before. */
export function newDropCounter(
  transport: Pick<DatagramTransport, 'kernelDrops'>,
  counters: SharedCounters<ShardCounter>,
): () => void {
  let drops = 0;
  return () => {
    const dropsNow = transport.kernelDrops();
    counters.add(shardCounters.at.kernelDrops, dropsNow - drops);
    drops = dropsNow;
  };
}

function answer(shard: Shard, query: ShardQuery): unknown {
  const nowMs = systemClock.monotonicMs();
  if (query.what === 'module') return shard.explain(query.module, nowMs, systemClock.unixMs());
  if (query.what === 'modules') return shard.list(query.max, { nowMs: () => systemClock.monotonicMs(), pause });
  return shard.watchedModules(nowMs);
}

function setGauges(shard: Shard, gauges: SharedCounters<ShardGauge>): void {
  gauges.set(shardGauges.at.modules, shard.modules.activeCount);
  gauges.set(shardGauges.at.hosts, shard.gauges.hostCount);
  gauges.set(shardGauges.at.ejectedHosts, shard.gauges.countEjected());
  gauges.set(shardGauges.at.sheddingModules, shard.gauges.countShedding(systemClock.monotonicMs()));
  gauges.set(shardGauges.at.absentModules, shard.modules.absentCount);
  gauges.set(shardGauges.at.oldRoutes, shard.oldRoutes.count);
  gauges.set(shardGauges.at.oldRoutesAgeSeconds, shard.oldRoutes.oldestAgeSeconds(systemClock.unixMs()));
  gauges.set(shardGauges.at.waiting, shard.modules.parkedCount);
}

/** Lets the thread do its other work. Not setImmediate: behind that the poll for datagrams may wait; a message ends its wait. */
function pause(): Promise<void> {
  return new Promise(resolve => {
    const { port1, port2 } = new MessageChannel();
    port1.once('message', () => {
      port1.close();
      resolve();
    });
    port2.postMessage(undefined);
  });
}

export interface WaitTimer {
  /** Call after whatever may have parked a request. */
  arm(): void;
  /** For good: a request that comes while its thread is ending must not keep the thread alive. */
  stop(): void;
}

/** Wakes the shard when the oldest parked request has waited long enough; costs nothing while none is parked. */
export function newWaitTimer(shard: Pick<Shard, 'nextDeadlineMs' | 'expireWaits'>): WaitTimer {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  const onTimeout = () => {
    timer = undefined;
    shard.expireWaits(systemClock.monotonicMs());
    arm();
  };
  const arm = () => {
    if (timer !== undefined || isStopped) return;
    const deadlineMs = shard.nextDeadlineMs();
    if (deadlineMs !== undefined) timer = setTimeout(onTimeout, Math.max(0, deadlineMs - systemClock.monotonicMs()));
  };
  const stop = () => {
    isStopped = true;
    clearTimeout(timer);
    timer = undefined;
  };
  return { arm, stop };
}
