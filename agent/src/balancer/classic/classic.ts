// pure
/** The classic algorithm: round robin over healthy hosts, and now and then a probe of an ejected one (docs/load-balancing.md). */
import type { HostInfo, HostKey } from '@lars/proto';
import type {
  Balancer,
  BalancerDeps,
  BalancerFactory,
  ClassicCause,
  EjectedHost,
  HostExplanation,
  HostView,
  ModuleBalancer,
  Transition,
} from '../balancer.ts';
import { allHosts } from '../host-pool.ts';
import { HostTable } from '../host-table.ts';
import { ejectedHosts, explain, PastChanges, recentPicks, takeCounts, viewsOf } from '../host-views.ts';
import { HostPeriods } from './host-periods.ts';
import type { ClassicOptions } from './options.ts';
import { RoundRobin } from './round-robin.ts';

export { CLASSIC_DEFAULTS, type ClassicOptions } from './options.ts';

/**
 * Hosts move only inside report(): no rule looks at the clock between two reports. Weights and zones have no influence.
 * A transition's `numbers` are the host's counters when it was decided, and the conf value that they met as `limit`.
 */
export function classicBalancer(options: ClassicOptions): BalancerFactory<ModuleBalancer> {
  return environment => new ClassicBalancer(options, environment);
}

const NO_HOSTS = allHosts(0);
/** Modules share it, and no host joins it. */
const NONE_EJECTED = new RoundRobin(NO_HOSTS);

class ClassicBalancer implements ModuleBalancer {
  /** The hosts in the healthy list, in that order, and those in the ejected list. Draining ones are in neither (LB-11). */
  #healthy = new RoundRobin(NO_HOSTS);
  #ejected = NONE_EJECTED;
  readonly #table = new HostTable();
  readonly #periods = new HostPeriods();
  #changes: PastChanges | undefined = undefined;
  #picksSinceProbe = 0;
  readonly #options: ClassicOptions;
  readonly #environment: BalancerDeps;

  constructor(options: ClassicOptions, environment: BalancerDeps) {
    this.#options = options;
    this.#environment = environment;
  }

  get algorithm(): 'classic' {
    return 'classic';
  }

  get hostCount(): number {
    return this.#table.size;
  }

  get ejectedCount(): number {
    return this.#ejected.size;
  }

  get healthyCount(): number {
    return this.#healthy.size;
  }

  ejectedHosts(nowMs: number): EjectedHost[] {
    return ejectedHosts(this.#ejected.list(), this.#table, this.#changes, nowMs);
  }

  /** Only here are picks counted between two probes (LB-4), and only a host in trouble has any. */
  requiresAgentPick(): boolean {
    return this.#ejected.size > 0;
  }

  /** LB-1, LB-11 */
  setHosts(route: readonly HostInfo[], nowMs: number): void {
    const before = this.#table.sync(route);
    this.#periods.slots.move(before);
    this.#changes?.move(before);
    before.forEach((from, host) => {
      if (from === undefined) this.#periods.begin(host, nowMs);
    });
    const healthy = this.#orderNow(this.#healthy, before, false);
    const ejected = this.#orderNow(this.#ejected, before, true);
    this.#healthy = new RoundRobin(healthy);
    this.#ejected = ejected.length === 0 ? NONE_EJECTED : new RoundRobin(ejected);
  }

  /** LB-2 to LB-5. Where no host is healthy, the empty list answers OVERLOAD. */
  pick(nowMs: number, ipv4Only = false): HostInfo | undefined {
    const host = this.#next(ipv4Only && this.#table.hasNames);
    if (host === undefined) return undefined;
    this.#periods.slots.countPick(host, nowMs);
    return this.#table.at(host);
  }

  look(_nowMs: number, ipv4Only = false): HostInfo | undefined {
    const host = this.#healthy.peekWhere(one => !ipv4Only || this.#table.hasIpv4(one));
    return host === undefined ? undefined : this.#table.at(host);
  }

  /** LB-6 to LB-10. Who picked the host makes no difference. */
  report(key: HostKey, ok: boolean, tcostMs: number | undefined, nowMs: number, pickedByAgent = true): boolean {
    const host = this.#table.find(key);
    if (host === undefined) return false;
    const periods = this.#periods;
    if (!pickedByAgent) periods.slots.countPick(host, nowMs);
    if (this.#table.at(host).drain) {
      periods.slots.countCall(host, ok, tcostMs);
      return true;
    }
    periods.record(host, ok, tcostMs, this.#options);
    const cause = periods.evaluate(host, ok, this.#options, nowMs);
    if (cause !== undefined) this.#changeSides(host, cause, nowMs);
    return true;
  }

  prefetch(step: number): number {
    if (step === 0) return this.#picksSinceProbe;
    return this.#table.prefetch(step - 1) + this.#periods.slots.prefetch(step - 1, this.#table.size) + this.#healthy.size;
  }

  takeCounts(visit: Parameters<Balancer['takeCounts']>[0]): void {
    takeCounts(this.#table, this.#periods.slots, host => this.#periods.isEjected(host), visit);
  }

  hosts(): IterableIterator<HostView> {
    return viewsOf(this.#table, host => this.#periods.isEjected(host));
  }

  get refusalCause(): 'no-host' {
    return 'no-host';
  }

  explainModule(): undefined {
    return undefined;
  }

  recentPicks(nowMs: number): number {
    return recentPicks(this.#table, this.#periods.slots, nowMs);
  }

  isInTrouble(): boolean {
    return this.#ejected.size > 0 || (this.#healthy.size === 0 && this.#table.size > 0);
  }

  explain(nowMs: number): HostExplanation[] {
    const known = (host: number) => ({ state: this.#stateOf(host), numbers: this.#periods.numbers(host, this.#options, nowMs) });
    return explain(this.#table, this.#periods.slots, this.#changes, known, nowMs);
  }

  #next(ipv4Only: boolean): number | undefined {
    if (this.#ejected.size === 0) this.#picksSinceProbe = 0;
    else if (this.#picksSinceProbe < this.#options.probeNum) this.#picksSinceProbe += 1;
    else {
      const probed = this.#turn(this.#ejected, ipv4Only);
      // A probe of a host that this caller cannot be sent to waits for another caller.
      if (probed !== undefined) return this.#probe(probed);
    }
    return this.#turn(this.#healthy, ipv4Only);
  }

  #turn(hosts: RoundRobin, ipv4Only: boolean): number | undefined {
    return ipv4Only ? hosts.nextWhere(host => this.#table.hasIpv4(host)) : hosts.next();
  }

  #probe(host: number): number {
    this.#picksSinceProbe = 0;
    this.#periods.slots.countProbe(host);
    return host;
  }

  /** LB-10. The listener comes last: whatever it asks or throws, the lists are in order. */
  #changeSides(host: number, cause: ClassicCause, nowMs: number): void {
    const periods = this.#periods;
    const numbers = periods.numbers(host, this.#options, nowMs);
    numbers['limit'] = limitOf(cause, this.#options);
    if (periods.isEjected(host)) {
      periods.becomeHealthy(host, nowMs);
      this.#ejected.remove(host);
      this.#healthy.append(host);
    } else {
      periods.becomeEjected(host, nowMs);
      this.#healthy.remove(host);
      if (this.#ejected === NONE_EJECTED) this.#ejected = new RoundRobin(NO_HOSTS);
      this.#ejected.append(host);
    }
    const to = periods.isEjected(host) ? 'ejected' : 'healthy';
    const transition: Transition = { host: this.#table.at(host), to, cause, numbers };
    this.#changes ??= new PastChanges();
    this.#changes.remember(host, this.#table.size, transition, nowMs);
    this.#environment.onTransition(transition);
  }

  /** LB-1, LB-11: who was in the list and stays keeps the place; behind the tail come those that are new there. */
  #orderNow(list: RoundRobin, before: readonly (number | undefined)[], ejected: boolean): readonly number[] {
    const table = this.#table;
    const now = new Map(before.map((from, host) => [from, host]));
    const belongs = (host: number) => !table.at(host).drain && this.#periods.isEjected(host) === ejected;
    const stay = list
      .list()
      .flatMap(from => now.get(from) ?? [])
      .filter(belongs);
    const known = new Set(stay);
    const all = allHosts(table.size);
    const order = [...stay, ...all.filter(host => belongs(host) && !known.has(host))];
    // As in most modules: they share the list.
    return order.length === all.length && order.every((host, place) => host === all[place]) ? all : order;
  }

  #stateOf(host: number): string {
    if (this.#table.at(host).drain) return 'draining';
    return this.#periods.isEjected(host) ? 'ejected' : 'healthy';
  }
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
