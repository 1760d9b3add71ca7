// pure
import { type BatchResult, type HostInfo, type HostKey, hostKey } from '@lars/proto';
import type { Balancer, BalancerFactory, HostView, ModuleBalancer } from '../../../agent/src/balancer/balancer.ts';
import type { CachedModule } from '../../../client-sdk/src/cache/cached-module.ts';
import { pickRecordOf } from '../../../client-sdk/src/cache/pick-record.ts';
import { type CacheDeps, FLUSH_INTERVAL_MS, RouteCache } from '../../../client-sdk/src/cache/route-cache.ts';
import { LarsHost } from '../../../client-sdk/src/lars-host.ts';

const MODULE = { modid: 1, cmdid: 1 };

/**
 * An agent whose callers keep copies of the route: so many processes, each with the client's own cache, share its calls at random. The
 * way between them takes no time, and loses nothing.
 */
export function cached(create: BalancerFactory<ModuleBalancer>, callers: number): BalancerFactory {
  return environment => new CachedCallers(create(environment), callers, environment.random);
}

/** A call under way, as only a simulation can know it: which caller made it, and from where it had the host. */
interface Call {
  readonly caller: Caller;
  readonly host: LarsHost;
  readonly sentMs: number;
}

class CachedCallers implements Balancer {
  readonly #agent: Agent;
  readonly #callers: readonly Caller[];
  readonly #random: () => number;
  readonly #calls = new Map<HostKey, Call[]>();
  #nextTickMs = FLUSH_INTERVAL_MS;

  constructor(balancer: ModuleBalancer, callers: number, random: () => number) {
    this.#agent = new Agent(balancer);
    this.#callers = Array.from({ length: callers }, () => new Caller(this.#agent, random));
    this.#random = random;
  }

  get hostCount(): number {
    return this.#agent.balancer.hostCount;
  }

  get ejectedCount(): number {
    return this.#agent.balancer.ejectedCount;
  }

  setHosts(hosts: readonly HostInfo[], nowMs: number): void {
    this.#advance(nowMs);
    this.#agent.setHosts(hosts);
  }

  pick(nowMs: number): HostInfo | undefined {
    this.#advance(nowMs);
    const caller = this.#callers[Math.floor(this.#random() * this.#callers.length)] as Caller;
    const host = caller.pick();
    if (host === undefined) return undefined;
    const info: HostInfo = { ...host.address, weight: host.weight, zone: host.zone, drain: host.drain };
    this.#callsTo(hostKey(info)).push({ caller, host, sentMs: nowMs });
    return info;
  }

  report(key: HostKey, ok: boolean, tcostMs: number | undefined, nowMs: number): boolean {
    this.#advance(nowMs);
    const call = this.#take(key, tcostMs === undefined ? undefined : nowMs - tcostMs);
    call?.caller.report(call.host, ok, tcostMs);
    return call !== undefined;
  }

  takeCounts(visit: Parameters<Balancer['takeCounts']>[0]): void {
    this.#agent.balancer.takeCounts(visit);
  }

  hosts(): IterableIterator<HostView> {
    return this.#agent.balancer.hosts();
  }

  #callsTo(key: HostKey): Call[] {
    const calls = this.#calls.get(key) ?? [];
    this.#calls.set(key, calls);
    return calls;
  }

  /** The call that was sent then; the oldest where nobody says when. */
  #take(key: HostKey, sentMs: number | undefined): Call | undefined {
    const calls = this.#callsTo(key);
    let best = 0;
    if (sentMs !== undefined) {
      const distance = (index: number) => Math.abs((calls[index] as Call).sentMs - sentMs);
      for (let index = 1; index < calls.length; index++) if (distance(index) < distance(best)) best = index;
    }
    return calls.splice(best, 1)[0];
  }

  #advance(nowMs: number): void {
    for (; this.#nextTickMs <= nowMs; this.#nextTickMs += FLUSH_INTERVAL_MS) {
      this.#agent.nowMs = this.#nextTickMs;
      for (const caller of this.#callers) caller.tick();
    }
    this.#agent.nowMs = nowMs;
  }
}

/** What a shard does for one module, without its datagrams. */
class Agent {
  readonly balancer: ModuleBalancer;
  nowMs = 0;
  #version = 0;

  constructor(balancer: ModuleBalancer) {
    this.balancer = balancer;
  }

  setHosts(hosts: readonly HostInfo[]): void {
    this.#version += 1;
    this.balancer.setHosts(hosts, this.nowMs);
  }

  answer(version: number) {
    const notModified = version === this.#version;
    const host = notModified ? [] : Array.from(this.balancer.hosts(), view => view.host);
    return { ...MODULE, host, version: this.#version, overload: this.balancer.requiresAgentPick(this.nowMs), notModified };
  }

  addBatch(results: readonly BatchResult[]): void {
    for (const { succ, err, tcost, ...address } of results) {
      const tcostMs = tcost === 0 ? undefined : tcost / (succ + err);
      for (let i = 0; i < succ + err; i++) this.balancer.report(hostKey(address), i < succ, tcostMs, this.nowMs, false);
    }
  }
}

/** One process that calls the module, with the cache of its client. */
class Caller {
  readonly #agent: Agent;
  readonly #cache: RouteCache;
  /** What is to be done when the cache has returned. */
  readonly #tasks: (() => void)[] = [];

  constructor(agent: Agent, random: () => number) {
    this.#agent = agent;
    const port: CacheDeps = {
      sendBatch: (_modid, _cmdid, results) => agent.addBatch(results),
      queryRoute: (module, version) => this.#tasks.push(() => this.#answer(module, version)),
      scheduleFailureRefresh: () => this.#tasks.push(() => this.#cache.refreshAfterFailures(agent.nowMs)),
      // The next tick asks; a client does so somewhat earlier.
      scheduleRefresh: () => undefined,
    };
    this.#cache = new RouteCache(port, random);
  }

  pick(): LarsHost | undefined {
    const { modid, cmdid } = MODULE;
    const copied = this.#cache.pick(modid, cmdid);
    if (copied !== undefined) return copied.host;
    this.#cache.beforeAgentPick(modid, cmdid, this.#agent.nowMs);
    const info = this.#agent.balancer.pick(this.#agent.nowMs);
    const host = info && new LarsHost(modid, cmdid, info);
    if (host !== undefined) this.#cache.onAgentPick(host, this.#agent.nowMs);
    this.#settle();
    return host;
  }

  report(host: LarsHost, ok: boolean, tcostMs: number | undefined): void {
    const { pickedBy, stats } = pickRecordOf(host) ?? {};
    const wholeMs = tcostMs === undefined ? 0 : Math.max(1, Math.round(tcostMs));
    if (stats !== undefined && pickedBy === 'client') stats.owner.bufferResult(stats, ok, wholeMs);
    else {
      stats?.owner.observeResult(stats, ok, wholeMs);
      this.#agent.balancer.report(hostKey(host.address), ok, tcostMs, this.#agent.nowMs);
    }
    this.#settle();
  }

  tick(): void {
    this.#cache.onTime(this.#agent.nowMs);
    this.#settle();
  }

  #answer(module: CachedModule, version: number): void {
    module.onRoute(this.#agent.answer(version), true, this.#agent.nowMs);
  }

  #settle(): void {
    for (let task = this.#tasks.shift(); task !== undefined; task = this.#tasks.shift()) task();
  }
}
