/** The shell of one shard: its UDP socket, its clock and its timers around the pure Shard. */

import { systemClock } from '@lars/runtime/clock';
import { CounterBank } from '@lars/runtime/counters';
import { listenError, StartupError } from '@lars/runtime/errors';
import { type LoadBalanceOptions, moduleBalancerFactory } from '../balancer/algorithm.ts';
import { type ShardCounter, type ShardGauge, shardCounters, shardGauges } from '../counters.ts';
import { MailBatch } from '../threads/mail-batch.ts';
import type { MailToShard, PackedQuestions, StatusReport } from '../threads/messages.ts';
import { QuestionBatch } from '../threads/route-questions.ts';
import { runThread, type Thread, type ThreadBody } from '../threads/thread.ts';
import { type OpenedTransport, openTransport } from '../udp/open-transport.ts';
import type { DatagramTransport, TransportChoice } from '../udp/transport.ts';
import type { ForwardsUnderWay } from './forwarding.ts';
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
  readonly forwardsUnderWay: ForwardsUnderWay;
}

const HOUSEKEEPING_MS = 1_000;

runThread<ShardThreadData, MailToShard>(async thread => {
  const { data } = thread;
  const counters = new CounterBank<ShardCounter>(shardCounters, data.counters);
  // The transport calls back only after it has been opened, and the shard answers late only through it.
  let transport: DatagramTransport | undefined;
  const outgoing = newOutgoing(thread);
  const shard = newShard(thread, counters, outgoing, () => transport);
  const waits = new WaitTimer(shard);
  let nowMs = 0;
  const open = () =>
    openTransport(data.transport, {
      ip: data.ip,
      port: data.port,
      receiveBufferBytes: data.receiveBufferBytes,
      beforeBatch: () => {
        nowMs = systemClock.monotonicMs();
      },
      readAhead: shard.readAhead,
      onDatagram: (bytes, start, end, reply, replyStart, from) =>
        shard.handleDatagram(bytes, start, end, reply, replyStart, from, nowMs),
      afterBatch: () => {
        outgoing.questions.flush();
        waits.arm();
      },
      onSendError: () => counters.add(shardCounters.at.sendError),
    });
  const opened = await thread.uninterrupted(open).catch((error: NodeJS.ErrnoException) => {
    if (error instanceof StartupError) throw error;
    throw listenError(error, 'UDP port', data.ip, data.port, `conf key [udp] port${data.index === 0 ? '' : ` + ${data.index}`}`);
  });
  transport = opened.transport;
  return shardBody(thread, shard, opened, counters, outgoing, waits);
});

/** What goes to the threads that speak with the servers. */
interface Outgoing {
  /** Requests wait for the answer: flushed at once. */
  readonly questions: QuestionBatch;
  /** Flushed now and then. */
  readonly refreshes: QuestionBatch;
  readonly reports: MailBatch<StatusReport>;
}

function newOutgoing(thread: Thread<ShardThreadData>): Outgoing {
  const ask = (questions: PackedQuestions) => thread.post('dns', { type: 'pull', questions });
  return {
    questions: new QuestionBatch(ask),
    refreshes: new QuestionBatch(ask),
    reports: new MailBatch(reports => thread.post('reporter', { type: 'status', reports })),
  };
}

function newShard(
  thread: Thread<ShardThreadData>,
  counters: CounterBank<ShardCounter>,
  { questions, refreshes, reports }: Outgoing,
  transport: () => DatagramTransport | undefined,
): Shard {
  const { data, log } = thread;
  return new Shard(
    {
      ...data.limits,
      index: data.index,
      forwardsUnderWay: data.forwardsUnderWay,
      newBalancer: moduleBalancerFactory(data.loadBalance),
      updateTimeoutMs: data.updateTimeoutMs,
      reportTimeoutMs: data.reportTimeoutMs,
      random: Math.random,
      log,
      counters,
    },
    {
      pull: (module, version) => questions.add(module, version),
      refresh: (module, version) => refreshes.add(module, version),
      status: report => reports.add(report),
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
  { questions, refreshes, reports }: Outgoing,
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
    reports.flush();
    refreshes.flush();
    putGauges(shard, gauges);
    countDrops();
  }, HOUSEKEEPING_MS);
  return {
    port: transport.port,
    transport: transport.kind,
    facts: { receiveBufferBytes: transport.receiveBufferBytes, fallbackReason },
    onMail: mail => {
      shard.handleMail(mail, systemClock.monotonicMs(), systemClock.unixMs());
      // A route that changes hands its counts on; a forwarded request may ask for one.
      questions.flush();
      reports.flush();
      waits.arm();
    },
    onQuestion: question => shard.explain(question, systemClock.monotonicMs()),
    onConnect: peer => {
      if (peer === 'dns') shard.pullAll();
      questions.flush();
    },
    stop: async () => {
      clearInterval(housekeeping);
      waits.stop();
      shard.endWaits();
      await transport.close();
      shard.reportAll(systemClock.unixMs());
      reports.flush();
    },
  };
}

function putGauges(shard: Shard, gauges: CounterBank<ShardGauge>): void {
  gauges.put(shardGauges.at.modules, shard.modules.servingCount);
  gauges.put(shardGauges.at.hosts, shard.census.hostCount);
  gauges.put(shardGauges.at.overloadedHosts, shard.census.overloadedCount());
  gauges.put(shardGauges.at.absentModules, shard.modules.absentCount);
  gauges.put(shardGauges.at.waiting, shard.modules.heldCount);
}
