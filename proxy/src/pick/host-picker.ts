import type { LarsApi, LarsHost } from '@lars/client-sdk';
import { type ModuleId, type RouteKey, routeKey } from '@lars/proto';
import type { ListenerRules } from '../listen/listener-rules.ts';
import { ConsistentHash } from './consistent-hash.ts';
import type { HostSlot, HostTable } from './host-table.ts';
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

/** A host for one connection. The connection counts from here on, until the slot is released. */
export interface HostPick {
  readonly host: LarsHost;
  readonly slot: HostSlot;
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
   * A host that was not tried yet and has room.
   * @returns undefined where there is no other, or all are full
   * @throws {LarsError} as getHost does, where there is no host at all
   */
  async pick(context: PickContext): Promise<HostPick | undefined> {
    if (this.#newPolicy === undefined) {
      return (
        (await this.#askAgent(context)) ?? this.#choose(await this.#deps.routes.hostsOf(context.module), this.#spare, context)
      );
    }
    const hosts = await this.#deps.routes.hostsOf(context.module);
    // A route that is not known may be one that the agent is still fetching, or that it wrote into its file: getHost knows how to wait.
    if (hosts.length === 0) return this.#askAgent(context);
    return this.#choose(hosts, this.#policyOf(context.module, this.#newPolicy), context);
  }

  async #askAgent({ module: { modid, cmdid }, tried }: PickContext): Promise<HostPick | undefined> {
    const { lars, hosts } = this.#deps;
    for (let picks = 0; picks < MAX_PICKS; picks++) {
      const host = lars.tryGetHost(modid, cmdid) ?? (await lars.getHost(modid, cmdid));
      if (tried.has(host.authority)) continue;
      const slot = hosts.acquire(hosts.stateOf(host.authority));
      if (slot !== undefined) return { host, slot };
    }
    return undefined;
  }

  #choose(all: readonly RouteHost[], policy: Policy, { key, tried }: PickContext): HostPick | undefined {
    const { hosts, nowMs } = this.#deps;
    const now = nowMs();
    const mayPick = ({ state }: RouteHost) => !hosts.isFull(state) && !tried.has(state.authority);
    // Where all have failed a moment ago, the one that has waited longest is as good as any.
    const chosen =
      policy.choose(all, candidate => mayPick(candidate) && candidate.state.coolUntilMs <= now, key) ??
      coolest(all.filter(mayPick));
    const slot = chosen === undefined ? undefined : hosts.acquire(chosen.state);
    return chosen === undefined || slot === undefined ? undefined : { host: chosen.host, slot };
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
