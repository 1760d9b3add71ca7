import type { LarsApi, LarsHost } from '@lars/client-sdk';
import { type ModuleId, type RouteKey, routeKey } from '@lars/proto';
import type { ListenerRules } from '../listen/listener-rules.ts';
import { ConsistentHash } from './consistent-hash.ts';
import type { HostState, HostTable } from './host-table.ts';
import { LeastConnections } from './least-connections.ts';
import type { Policy } from './policy.ts';
import { RoundRobin } from './round-robin.ts';
import type { RouteBook, RouteHost } from './route-book.ts';

export interface HostPickerDeps {
  readonly lars: Pick<LarsApi, 'getHost' | 'tryGetHost'>;
  readonly hosts: HostTable;
  readonly routes: RouteBook;
  /** Monotonic. */
  readonly nowMs: () => number;
}

export interface PickContext {
  readonly module: ModuleId;
  /** What the client is known by. */
  readonly key: string;
  /** 'HOST:PORT' of those that were tried for this connection. */
  readonly tried: ReadonlySet<string>;
}

/** A host for one connection. The connection counts from here on, until its place at the host is given back. */
export interface HostPick {
  readonly host: LarsHost;
  readonly state: HostState;
}

const POLICIES: Readonly<Record<Exclude<ListenerRules['policy'], 'agent'>, () => Policy>> = {
  round_robin: () => new RoundRobin(),
  least_connections: () => new LeastConnections(),
  hash: () => new ConsistentHash(),
};

/** So many picks of the agent at most are spent on finding a host that was not tried yet. Those in vain have no call that could be reported. */
const MAX_PICKS = 3;
/** Modules whose turns are remembered for a listener; there are more only with very many server names. */
const MAX_MODULES = 10_000;

/** Picks the hosts of one listener. */
export class HostPicker {
  readonly #deps: HostPickerDeps;
  readonly #newPolicy: (() => Policy) | undefined;
  readonly #policies = new Map<RouteKey, Policy>();
  /** For what the agent picks in vain: the least used of the others. */
  readonly #spare: Policy = new LeastConnections();

  constructor(policy: ListenerRules['policy'], deps: HostPickerDeps) {
    this.#deps = deps;
    this.#newPolicy = policy === 'agent' ? undefined : POLICIES[policy];
  }

  /**
   * A host that was not tried yet and has room; at once wherever the route is known here.
   * @returns undefined where there is no other, or all are full
   * @throws {LarsError} as getHost does, by a rejected promise, where there is no host at all
   */
  pick(context: PickContext): HostPick | undefined | Promise<HostPick | undefined> {
    const { lars, routes } = this.#deps;
    const { module } = context;
    if (this.#newPolicy !== undefined) {
      const hosts = routes.hostsOf(module);
      return hosts instanceof Promise ? hosts.then(known => this.#pickOf(known, context)) : this.#pickOf(hosts, context);
    }
    const copied = lars.tryGetHost(module.modid, module.cmdid);
    if (copied === undefined) return this.#pickByAgent(context, 0);
    return this.#take(copied, context) ?? this.#pickByAgent(context, 1);
  }

  #pickOf(hosts: readonly RouteHost[], context: PickContext): HostPick | undefined | Promise<HostPick | undefined> {
    // A route that is not known may be one that the agent is still fetching, or that it wrote into its file: getHost knows how to wait.
    if (hosts.length === 0 || this.#newPolicy === undefined) return this.#askAgent(context, 0);
    return this.#choose(hosts, this.#policyOf(context.module, this.#newPolicy), context);
  }

  async #pickByAgent(context: PickContext, picks: number): Promise<HostPick | undefined> {
    const pick = await this.#askAgent(context, picks);
    return pick ?? this.#choose(await this.#deps.routes.hostsOf(context.module), this.#spare, context);
  }

  /** @param picks how many were in vain already */
  async #askAgent(context: PickContext, picks: number): Promise<HostPick | undefined> {
    const { modid, cmdid } = context.module;
    const { lars } = this.#deps;
    for (let vain = picks; vain < MAX_PICKS; vain++) {
      const pick = this.#take(lars.tryGetHost(modid, cmdid) ?? (await lars.getHost(modid, cmdid)), context);
      if (pick !== undefined) return pick;
    }
    return undefined;
  }

  #take(host: LarsHost, { tried }: PickContext): HostPick | undefined {
    const { hosts } = this.#deps;
    const state = hosts.stateOfHost(host);
    return !tried.has(state.authority) && hosts.acquire(state) ? { host, state } : undefined;
  }

  #choose(all: readonly RouteHost[], policy: Policy, { key, tried }: PickContext): HostPick | undefined {
    const { hosts, nowMs } = this.#deps;
    const now = nowMs();
    const mayPick = ({ state }: RouteHost) => !hosts.isFull(state) && !tried.has(state.authority);
    // Where all have failed a moment ago, the one that has waited longest is as good as any.
    const chosen =
      policy.choose(all, candidate => mayPick(candidate) && candidate.state.coolUntilMs <= now, key) ??
      coolest(all.filter(mayPick));
    return chosen !== undefined && hosts.acquire(chosen.state) ? chosen : undefined;
  }

  #policyOf({ modid, cmdid }: ModuleId, newPolicy: () => Policy): Policy {
    const key = routeKey(modid, cmdid);
    let policy = this.#policies.get(key);
    if (policy === undefined) {
      if (this.#policies.size >= MAX_MODULES) this.#policies.clear();
      policy = newPolicy();
      this.#policies.set(key, policy);
    }
    return policy;
  }
}

function coolest(hosts: readonly RouteHost[]): RouteHost | undefined {
  return hosts.toSorted((a, b) => a.state.coolUntilMs - b.state.coolUntilMs)[0];
}
