// pure
/** The classic algorithm: round robin over idle hosts, and now and then a probe of an overloaded one (docs/load-balancing.md). */
import type { HostInfo, HostKey } from '@lars/proto';
import type {
  Balancer,
  BalancerEnvironment,
  BalancerFactory,
  ClassicCause,
  ExplainingBalancer,
  HostExplanation,
  HostView,
  Transition,
} from './balancer.ts';
import { ClassicHost } from './classic-host.ts';
import type { ClassicOptions } from './classic-options.ts';
import { HostTable } from './host-table.ts';
import { Ring } from './ring.ts';

export { CLASSIC_DEFAULTS, type ClassicOptions } from './classic-options.ts';

/**
 * Hosts move only inside report(): no rule looks at the clock between two reports. Weights and zones have no influence.
 * A transition's `numbers` are the host's counters when it was decided, and the conf value that they met as `limit`.
 */
export function classicBalancer(options: ClassicOptions): BalancerFactory<ExplainingBalancer> {
  return environment => new ClassicBalancer(options, environment);
}

class ClassicBalancer implements ExplainingBalancer {
  readonly #options: ClassicOptions;
  readonly #environment: BalancerEnvironment;
  readonly #table = new HostTable<ClassicHost>();
  readonly #idle = new Ring<ClassicHost>();
  readonly #overloaded = new Ring<ClassicHost>();
  #picksSinceProbe = 0;

  constructor(options: ClassicOptions, environment: BalancerEnvironment) {
    this.#options = options;
    this.#environment = environment;
  }

  get algorithm(): 'classic' {
    return 'classic';
  }

  get hostCount(): number {
    return this.#table.size;
  }

  get overloadedCount(): number {
    return this.#overloaded.size;
  }

  /** Only here are picks counted between two probes (LB-4), and only a host in trouble has any. */
  wantsEveryCall(): boolean {
    return this.#overloaded.size > 0;
  }

  /** LB-1, LB-11 */
  setHosts(hosts: readonly HostInfo[], nowMs: number): void {
    const { removed } = this.#table.sync(hosts, host => new ClassicHost(host, nowMs));
    for (const host of removed) this.#leaveList(host);
    for (const host of this.#table.values()) {
      if (host.host.drain) this.#leaveList(host);
      else this.#joinList(host);
    }
  }

  /** LB-2 to LB-5. Where no host is idle, the empty list answers OVERLOAD. */
  pick(nowMs: number): HostInfo | undefined {
    const host = this.#next();
    host?.countPick(nowMs);
    return host?.host;
  }

  /** LB-6 to LB-10. Who picked the host makes no difference. */
  report(key: HostKey, ok: boolean, tcostMs: number | undefined, nowMs: number, picked = true): boolean {
    const host = this.#table.get(key);
    if (host === undefined) return false;
    if (!picked) host.countPick(nowMs);
    if (!host.inList) {
      host.countCall(ok, tcostMs);
      return true;
    }
    host.record(ok, tcostMs, this.#options);
    const cause = host.judge(ok, this.#options, nowMs);
    if (cause !== undefined) this.#changeSides(host, cause, nowMs);
    return true;
  }

  takeCounts(visit: Parameters<Balancer['takeCounts']>[0]): void {
    this.#table.takeCounts(visit);
  }

  hosts(): IterableIterator<HostView> {
    return this.#table.values();
  }

  explain(nowMs: number): HostExplanation[] {
    return this.#table.explain(host => ({ state: stateOf(host), numbers: host.numbers(this.#options, nowMs) }), nowMs);
  }

  #next(): ClassicHost | undefined {
    if (this.#overloaded.size === 0) {
      this.#picksSinceProbe = 0;
      return this.#idle.rotate();
    }
    if (this.#picksSinceProbe >= this.#options.probeNum) {
      this.#picksSinceProbe = 0;
      return this.#probe();
    }
    this.#picksSinceProbe += 1;
    return this.#idle.rotate();
  }

  #probe(): ClassicHost | undefined {
    const host = this.#overloaded.rotate();
    host?.countProbe();
    return host;
  }

  /** LB-10. The listener comes last: whatever it asks or throws, the lists are in order. */
  #changeSides(host: ClassicHost, cause: ClassicCause, nowMs: number): void {
    const numbers = host.numbers(this.#options, nowMs);
    numbers['limit'] = limitOf(cause, this.#options);
    this.#listOf(host).remove(host);
    if (host.overloaded) host.becomeIdle(nowMs);
    else host.becomeOverloaded(nowMs);
    this.#listOf(host).append(host);
    const transition: Transition = { host: host.host, to: host.overloaded ? 'overloaded' : 'idle', cause, numbers };
    host.last = { transition, atMs: nowMs };
    this.#environment.onTransition(transition);
  }

  #joinList(host: ClassicHost): void {
    if (host.inList) return;
    host.inList = true;
    this.#listOf(host).append(host);
  }

  #leaveList(host: ClassicHost): void {
    if (!host.inList) return;
    host.inList = false;
    this.#listOf(host).remove(host);
  }

  #listOf(host: ClassicHost): Ring<ClassicHost> {
    return host.overloaded ? this.#overloaded : this.#idle;
  }
}

function stateOf(host: ClassicHost): string {
  if (!host.inList) return 'draining';
  return host.overloaded ? 'overloaded' : 'idle';
}

function limitOf(cause: ClassicCause, options: ClassicOptions): number {
  switch (cause) {
    case 'error-rate':
      return options.errRate;
    case 'failure-run':
      return options.continErrLimit;
    case 'success-rate':
      return options.succRate;
    case 'success-run':
      return options.continSuccLimit;
    case 'window-error-rate':
      return options.windowErrRate;
    case 'overload-timeout':
      return options.overloadTimeoutMs;
  }
}
