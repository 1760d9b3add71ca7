import type { BatchResult, GetRouteResponse, HostInfo } from '@lars/proto';
import type { CachedModule } from '../../../client-sdk/src/cache/cached-module.ts';
import { BUSY_CALLS } from '../../../client-sdk/src/cache/cached-module.ts';
import { pickRecordOf } from '../../../client-sdk/src/cache/pick-record.ts';
import { MIN_REFRESH_GAP_MS } from '../../../client-sdk/src/cache/refresh.ts';
import { type CacheSettings, FLUSH_INTERVAL_MS, RouteCache } from '../../../client-sdk/src/cache/route-cache.ts';
import type { LarsHost } from '../../../client-sdk/src/lars-host.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { HOST } from './fake-agent.ts';

export const MODULE = { modid: 1, cmdid: 2 } as const;

/** Host number n: port n. */
export const hostInfo = (n: number, details: Partial<HostInfo> = {}): HostInfo => ({ ...HOST, port: n, ...details });
export const hostInfos = (count: number): HostInfo[] => Array.from({ length: count }, (_, i) => hostInfo(i + 1));

/** What a cache has sent, in order: a batch, or a route query with the version that it knows. */
export type Sent = { readonly batch: readonly BatchResult[] } | { readonly asked: number };

/** A cache in virtual time, with an agent that answers when a test says so. */
export class CacheWorld {
  readonly cache: RouteCache;
  nowMs = 1_000_000;
  /** Whether the agent does not answer. */
  isAway = false;
  readonly sent: Sent[] = [];
  /** Those whose route query waits for an answer. */
  readonly waiting: CachedModule[] = [];
  #hasFailed = false;
  #refreshAtMs = Number.POSITIVE_INFINITY;

  constructor(settings: Partial<CacheSettings> = {}) {
    const port = {
      sendBatch: (_modid: number, _cmdid: number, results: readonly BatchResult[]) => this.sent.push({ batch: [...results] }),
      queryRoute: (module: CachedModule, version: number) => {
        this.sent.push({ asked: version });
        this.waiting.push(module);
      },
      isAgentAway: () => this.isAway,
      isAgentGone: () => this.isAway,
      scheduleFailureRefresh: () => {
        this.#hasFailed = true;
      },
      scheduleRefresh: () => {
        this.#refreshAtMs = this.nowMs + MIN_REFRESH_GAP_MS;
      },
    };
    this.cache = new RouteCache(port, seededRandom(1), { maxUnused: 0, ...settings });
  }

  /** Business code asks the agent for a host. */
  ask(module: { modid: number; cmdid: number } = MODULE): void {
    this.cache.beforeAgentPick(module.modid, module.cmdid, this.nowMs);
  }

  /** So many calls that the copy is picked from where the agent allows it. */
  askBusily(module: { modid: number; cmdid: number } = MODULE): void {
    for (let i = 0; i < BUSY_CALLS; i++) this.ask(module);
  }

  answer(details: Partial<GetRouteResponse> = {}, isWhole = true): void {
    const module = this.waiting.shift();
    if (module === undefined) throw new Error('no route query waits');
    const { modid, cmdid } = module;
    const ordinary = { modid, cmdid, host: hostInfos(3), version: 7, overload: false, notModified: false };
    module.onRoute({ ...ordinary, ...details }, isWhole, this.nowMs);
  }

  /** The route is copied; what was sent for it is forgotten. */
  open(host: readonly HostInfo[] = hostInfos(3)): this {
    this.askBusily();
    this.answer({ host: [...host] });
    this.sent.length = 0;
    return this;
  }

  /** What a pick gives: the port, or undefined when the agent must be asked. */
  pick(): number | undefined {
    return this.pickHost()?.port;
  }

  /** A call: a pick, or the agent is asked. */
  call(): number | undefined {
    const port = this.pick();
    if (port === undefined) this.ask();
    return port;
  }

  pickHost(): LarsHost | undefined {
    return this.cache.pick(MODULE.modid, MODULE.cmdid)?.host;
  }

  report(host: LarsHost | undefined, ok: boolean, tcostMs = 0): void {
    const { stats, pickedBy } = pickRecordOf(host) ?? {};
    if (stats === undefined || pickedBy !== 'client') throw new Error('not a host of a copy');
    stats.owner.bufferResult(stats, ok, tcostMs);
  }

  /** The end of a tick of the event loop. */
  endTick(): void {
    if (this.#hasFailed) this.cache.refreshAfterFailures(this.nowMs);
    this.#hasFailed = false;
  }

  /** Less than a tick passes. */
  wait(ms: number): void {
    this.nowMs += ms;
    if (this.nowMs < this.#refreshAtMs) return;
    this.#refreshAtMs = Number.POSITIVE_INFINITY;
    this.cache.refreshRateLimited(this.nowMs);
  }

  /** Lets time pass, tick by tick, with a call in each where one is given. */
  advance(ms: number, inEachTick: () => void = () => undefined): void {
    for (let passed = FLUSH_INTERVAL_MS; passed <= ms; passed += FLUSH_INTERVAL_MS) {
      this.nowMs += FLUSH_INTERVAL_MS;
      inEachTick();
      this.cache.onTime(this.nowMs);
    }
  }

  takeSent(): Sent[] {
    return this.sent.splice(0);
  }

  takeResults(): BatchResult[] {
    return this.takeSent().flatMap(one => ('batch' in one ? one.batch : []));
  }

  takeAsked(): number[] {
    return this.takeSent().flatMap(one => ('asked' in one ? [one.asked] : []));
  }
}
