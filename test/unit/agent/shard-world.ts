import { type GetHostRequest, type GetHostResponse, type HostInfo, SHARD_COUNT, shardOf } from '@lars/proto';
import { CounterBank } from '@lars/runtime/counters';
import type { LogRecord } from '@lars/runtime/log';
import { CLASSIC_DEFAULTS, classicBalancer } from '../../../agent/src/balancer/classic.ts';
import { type ShardCounter, shardCounters } from '../../../agent/src/counters.ts';
import { newForwardsUnderWay } from '../../../agent/src/shard/forwarding.ts';
import { Shard, type ShardOptions } from '../../../agent/src/shard/shard.ts';
import { type MailToShard, SHARD_NAMES, type ShardName, type StatusReport } from '../../../agent/src/threads/messages.ts';
import { decodeGetHost, getHostFrame } from '../../support/agent-messages.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { seededRandom } from '../../support/seeded-random.ts';

export const ROUTE_WAIT_MS = 100;
export const ABSENT_TTL_MS = 1_000;
export const UPDATE_TIMEOUT_MS = 15_000;
export const REPORT_TIMEOUT_MS = 20_000;

export interface Answer {
  /** The shard from whose socket it left. */
  readonly shard: number;
  readonly peer: unknown;
  readonly datagram: Uint8Array;
}

export interface Pull {
  readonly modid: number;
  readonly cmdid: number;
  readonly version: number;
}

/** Three shards without threads: their mail waits in `mail` until it is delivered, their time is moved by hand. */
export class ShardWorld {
  readonly shards: readonly Shard[];
  readonly counters: readonly CounterBank<ShardCounter>[];
  readonly mail: { readonly to: ShardName; readonly mail: MailToShard }[] = [];
  readonly pulls: Pull[] = [];
  readonly reports: StatusReport[] = [];
  readonly logged: readonly LogRecord[];
  /** Everything that left a socket, at once or late. */
  readonly answers: Answer[] = [];
  nowMs = 50_000;
  unixMs = 1_700_000_000_000;
  readonly #reply = new Uint8Array(65_507);

  constructor(options: Partial<ShardOptions> = {}) {
    const { log, records } = recordingLog();
    this.logged = records;
    this.counters = SHARD_NAMES.map(() => new CounterBank<ShardCounter>(shardCounters));
    const forwardsUnderWay = newForwardsUnderWay();
    this.shards = this.counters.map((counters, index) => {
      const defaults = {
        routeWaitMs: ROUTE_WAIT_MS,
        maxHeld: 1_000,
        absentTtlMs: ABSENT_TTL_MS,
        maxAbsent: 1_000,
        newBalancer: classicBalancer(CLASSIC_DEFAULTS),
        updateTimeoutMs: UPDATE_TIMEOUT_MS,
        reportTimeoutMs: REPORT_TIMEOUT_MS,
        random: seededRandom(1),
        log,
        forwardsUnderWay,
      };
      return new Shard({ ...defaults, ...options, index, counters }, this.#portsOf(index));
    });
  }

  /** A datagram arrives at a shard's socket. An answer given at once is in `answers` afterwards. */
  send(shard: number, datagram: Uint8Array, peer: unknown = 'caller'): void {
    const length = this.shardAt(shard).handleDatagram(datagram, 0, datagram.length, this.#reply, 0, peer, this.nowMs);
    if (length > 0) this.answers.push({ shard, peer, datagram: this.#reply.slice(0, length) });
  }

  /** Delivers all mail between shards, and what it causes, as a thread would get it: cloned. */
  settle(): void {
    for (let next = this.mail.shift(); next !== undefined; next = this.mail.shift()) {
      this.shardAt(SHARD_NAMES.indexOf(next.to)).handleMail(structuredClone(next.mail), this.nowMs, this.unixMs);
    }
  }

  /** Asks the module's owner; the answer, if it is given at once. */
  getHost(request: Partial<GetHostRequest>): GetHostResponse | undefined {
    const before = this.answers.length;
    this.send(shardOf(request.modid ?? 0, request.cmdid ?? 0), getHostFrame(request));
    const [answer] = this.answers.splice(before);
    return answer === undefined ? undefined : decodeGetHost(answer.datagram);
  }

  /** dnsserver tells the owner of the module's hosts; none: it does not exist. */
  route(modid: number, cmdid: number, hosts: readonly HostInfo[], version = 0): void {
    const mail = { type: 'routes', routes: [{ modid, cmdid, hosts, version }] } as const;
    this.shardAt(shardOf(modid, cmdid)).handleMail(mail, this.nowMs, this.unixMs);
  }

  advance(ms: number): void {
    this.nowMs += ms;
    this.unixMs += ms;
  }

  expireWaits(): void {
    for (const shard of this.shards) shard.expireWaits(this.nowMs);
  }

  reportDue(): void {
    for (const shard of this.shards) shard.reportDue(this.nowMs, this.unixMs);
  }

  /** What left the sockets since the last take, decoded as getHost answers. */
  takeGetHostAnswers(): GetHostResponse[] {
    return this.answers.splice(0).map(answer => decodeGetHost(answer.datagram));
  }

  count(name: ShardCounter): number {
    return this.counters.reduce((sum, bank) => sum + bank.get(name), 0);
  }

  /** All counters that are not zero. */
  counted(): Partial<Record<ShardCounter, number>> {
    const all = shardCounters.names.map(name => [name, this.count(name)] as const);
    return Object.fromEntries(all.filter(([, value]) => value !== 0));
  }

  shardAt(index: number): Shard {
    const shard = this.shards[index % SHARD_COUNT];
    if (shard === undefined) throw new Error(`there is no shard ${index}`);
    return shard;
  }

  #portsOf(shard: number) {
    const pull = ({ modid, cmdid }: Pick<Pull, 'modid' | 'cmdid'>, version: number) => this.pulls.push({ modid, cmdid, version });
    return {
      pull,
      refresh: pull,
      status: (report: StatusReport) => this.reports.push(report),
      mail: (to: ShardName, mail: MailToShard) => this.mail.push({ to, mail }),
      reply: (datagram: Uint8Array, peer: unknown) => this.answers.push({ shard, peer, datagram: datagram.slice() }),
    };
  }
}
