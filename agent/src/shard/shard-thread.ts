/** The shell of one shard: its UDP socket, its clock and its timers around the pure Shard. */

import { systemClock } from '@lars/runtime/clock';
import { CounterBank } from '@lars/runtime/counters';
import { listenError, StartupError } from '@lars/runtime/errors';
import { type LoadBalanceOptions, moduleBalancerFactory } from '../balancer/algorithm.ts';
import { type ShardCounter, type ShardGauge, shardCounters, shardGauges } from '../counters.ts';
import type { MailToShard } from '../threads/messages.ts';
import { runThread, type Thread, type ThreadBody } from '../threads/thread.ts';
import { type OpenedTransport, openTransport } from '../udp/open-transport.ts';
import type { DatagramTransport, TransportChoice } from '../udp/transport.ts';
import type { ModuleTableLimits } from './module-table.ts';
import { Shard } from './shard.ts';
import { WaitTimer } from './wait-timer.ts';

export interface ShardThreadData {
  readonly index: number;
  readonly ip: string;
  readonly port: number;
  readonly transport: TransportChoice;
  readonly receiveBufferBytes: number;
  readonly limits: ModuleTableLimits;
  readonly updateTimeoutMs: number;
  readonly reportTimeoutMs: number;
  readonly loadBalance: LoadBalanceOptions;
  readonly counters: SharedArrayBuffer;
  readonly gauges: SharedArrayBuffer;
}

const HOUSEKEEPING_MS = 1_000;

runThread<ShardThreadData, MailToShard>(async thread => {
  const { data } = thread;
  const counters = new CounterBank<ShardCounter>(shardCounters, data.counters);
  // The transport calls back only after it has been opened, and the shard answers late only through it.
  let transport: DatagramTransport | undefined;
  const shard = newShard(thread, counters, () => transport);
  const waits = new WaitTimer(shard);
  let nowMs = 0;
  const opened = await openTransport(data.transport, {
    ip: data.ip,
    port: data.port,
    receiveBufferBytes: data.receiveBufferBytes,
    beforeBatch: () => {
      nowMs = systemClock.monotonicMs();
    },
    onDatagram: (bytes, start, end, reply, replyStart, from) =>
      shard.handleDatagram(bytes, start, end, reply, replyStart, from, nowMs),
    afterBatch: () => waits.arm(),
    onSendError: () => counters.add(shardCounters.at.sendError),
  }).catch((error: NodeJS.ErrnoException) => {
    if (error instanceof StartupError) throw error;
    throw listenError(error, 'UDP port', data.ip, data.port, `conf key [udp] port${data.index === 0 ? '' : ` + ${data.index}`}`);
  });
  transport = opened.transport;
  return shardBody(thread, shard, opened, counters, waits);
});

function newShard(
  thread: Thread<ShardThreadData>,
  counters: CounterBank<ShardCounter>,
  transport: () => DatagramTransport | undefined,
): Shard {
  const { data, log } = thread;
  return new Shard(
    {
      ...data.limits,
      index: data.index,
      newBalancer: moduleBalancerFactory(data.loadBalance),
      updateTimeoutMs: data.updateTimeoutMs,
      reportTimeoutMs: data.reportTimeoutMs,
      random: Math.random,
      log,
      counters,
    },
    {
      pull: (module, version) => thread.post('dns', { type: 'pull', modid: module.modid, cmdid: module.cmdid, version }),
      status: report => thread.post('reporter', { type: 'status', report }),
      mail: (to, mail) => thread.post(to, mail),
      reply: (reply, peer) => transport()?.send(reply, peer),
    },
  );
}

function shardBody(
  thread: Thread<ShardThreadData>,
  shard: Shard,
  { transport, fallbackReason }: OpenedTransport,
  counters: CounterBank<ShardCounter>,
  waits: WaitTimer,
): ThreadBody<MailToShard> {
  const gauges = new CounterBank<ShardGauge>(shardGauges, thread.data.gauges);
  let drops = 0;
  const countDrops = () => {
    const dropsNow = transport.kernelDrops();
    counters.add(shardCounters.at.kernelDrops, dropsNow - drops);
    drops = dropsNow;
  };
  const housekeeping = setInterval(() => {
    shard.reportDue(systemClock.monotonicMs(), systemClock.unixMs());
    putGauges(shard, gauges);
    countDrops();
  }, HOUSEKEEPING_MS);
  return {
    port: transport.port,
    transport: transport.kind,
    facts: { receiveBufferBytes: transport.receiveBufferBytes, fallbackReason },
    onMail: mail => {
      shard.handleMail(mail, systemClock.monotonicMs(), systemClock.unixMs());
      waits.arm();
    },
    onQuestion: question => shard.explain(question, systemClock.monotonicMs()),
    onConnect: peer => {
      if (peer === 'dns') shard.pullAll();
    },
    stop: async () => {
      clearInterval(housekeeping);
      waits.stop();
      // Nobody will come to answer those that still wait.
      shard.expireWaits(Number.POSITIVE_INFINITY);
      await transport.close();
      shard.reportAll(systemClock.unixMs());
    },
  };
}

function putGauges(shard: Shard, gauges: CounterBank<ShardGauge>): void {
  let hosts = 0;
  let overloadedHosts = 0;
  for (const { balancer } of shard.modules.allServing()) {
    hosts += balancer.hostCount;
    overloadedHosts += balancer.overloadedCount;
  }
  gauges.put(shardGauges.at.modules, shard.modules.servingCount);
  gauges.put(shardGauges.at.hosts, hosts);
  gauges.put(shardGauges.at.overloadedHosts, overloadedHosts);
  gauges.put(shardGauges.at.absentModules, shard.modules.absentCount);
  gauges.put(shardGauges.at.waiting, shard.modules.heldCount);
}
