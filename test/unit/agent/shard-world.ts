import { type GetHostRequest, type GetHostResponse, type HostInfo, type ModuleId, SHARD_COUNT, shardOf } from '@lars/proto';
import { SharedCounters } from '@lars/runtime/counters';
import type { LogRecord } from '@lars/runtime/log';
import { CLASSIC_DEFAULTS, classicBalancer } from '../../../agent/src/balancer/classic/classic.ts';
import { type ShardCounter, shardCounters } from '../../../agent/src/counters.ts';
import { newForwardsInFlight } from '../../../agent/src/shard/forwarding.ts';
import { Shard, type ShardDeps, type ShardOptions } from '../../../agent/src/shard/shard.ts';
import {
  type RouteQuery,
  SHARD_NAMES,
  type ShardMessage,
  type ShardName,
  type StatusReport,
} from '../../../agent/src/threads/messages.ts';
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
  readonly caller: unknown;
  readonly datagram: Uint8Array;
}

/** Three shards without threads: what they post waits in `messages` until it is delivered, their time is moved by hand. */
export class ShardWorld {
  readonly shards: readonly Shard[];
  readonly counters: readonly SharedCounters<ShardCounter>[];
  readonly messages: { readonly to: ShardName; readonly message: ShardMessage }[] = [];
  readonly fetches: RouteQuery[] = [];
  readonly reports: StatusReport[] = [];
  readonly logged: readonly LogRecord[];
  /** Everything that left a socket, at once or late. */
  readonly answers: Answer[] = [];
  /** The dns thread takes each query at once, and knows no route of its own. */
  doesDnsThreadRun = true;
  nowMs = 50_000;
  unixMs = 1_700_000_000_000;
  readonly #reply = new Uint8Array(65_507);

  constructor(settings: Partial<ShardOptions & Pick<ShardDeps, 'newBalancer'>> = {}) {
    const { newBalancer = classicBalancer(CLASSIC_DEFAULTS), ...options } = settings;
    const { log, records } = recordingLog();
    this.logged = records;
    this.counters = SHARD_NAMES.map(() => new SharedCounters<ShardCounter>(shardCounters));
    const forwardsInFlight = newForwardsInFlight();
    this.shards = this.counters.map((counters, index) => {
      const defaults = {
        routeWaitMs: ROUTE_WAIT_MS,
        maxWaiting: 1_000,
        absentTtlMs: ABSENT_TTL_MS,
        maxAbsent: 1_000,
        updateTimeoutMs: UPDATE_TIMEOUT_MS,
        reportTimeoutMs: REPORT_TIMEOUT_MS,
        topModules: 20,
      };
      const world = { forwardsInFlight, newBalancer, random: seededRandom(1), log, counters };
      return new Shard({ ...defaults, ...options, index }, { ...world, ...this.#depsOf(index) });
    });
  }

  /** A datagram arrives at a shard's socket. An answer given at once is in `answers` afterwards. */
  send(shard: number, datagram: Uint8Array, caller: unknown = 'caller'): void {
    const length = this.shardAt(shard).handleDatagram(datagram, 0, datagram.length, this.#reply, 0, caller, this.nowMs);
    if (length > 0) this.answers.push({ shard, caller, datagram: this.#reply.slice(0, length) });
  }

  /** Delivers all messages between shards, and what it causes, as a thread would get it: cloned. */
  settle(): void {
    for (let next = this.messages.shift(); next !== undefined; next = this.messages.shift()) {
      this.shardAt(SHARD_NAMES.indexOf(next.to)).handleMessage(structuredClone(next.message), this.nowMs, this.unixMs);
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
    const message = { type: 'route-updates', updates: [{ modid, cmdid, hosts, version }] } as const;
    this.shardAt(shardOf(modid, cmdid)).handleMessage(message, this.nowMs, this.unixMs);
  }

  /** The dns thread tells the owner that dnsserver alone can tell the module's route. */
  awaitRoute(modid: number, cmdid: number): void {
    const message = { type: 'routes-awaited', modules: Float64Array.of(modid, cmdid, 0) } as const;
    this.shardAt(shardOf(modid, cmdid)).handleMessage(message, this.nowMs, this.unixMs);
  }

  advance(ms: number): void {
    this.nowMs += ms;
    this.unixMs += ms;
  }

  expireWaits(): void {
    for (const shard of this.shards) shard.expireWaits(this.nowMs);
  }

  flushDue(): void {
    for (const shard of this.shards) shard.flushDue(this.nowMs, this.unixMs);
  }

  /** What left the sockets since the last take, decoded as getHost answers. */
  takeGetHostAnswers(): GetHostResponse[] {
    return this.answers.splice(0).map(answer => decodeGetHost(answer.datagram));
  }

  count(name: ShardCounter): number {
    return this.counters.reduce((sum, counters) => sum + counters.get(name), 0);
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

  #depsOf(shard: number) {
    return {
      fetchRoute: ({ modid, cmdid }: ModuleId, version: number) => {
        this.fetches.push({ modid, cmdid, version });
        if (this.doesDnsThreadRun) this.awaitRoute(modid, cmdid);
      },
      sendStatus: (report: StatusReport) => this.reports.push(report),
      postToShard: (to: ShardName, message: ShardMessage) => this.messages.push({ to, message }),
      sendReply: (datagram: Uint8Array, caller: unknown) => this.answers.push({ shard, caller, datagram: datagram.slice() }),
    };
  }
}
