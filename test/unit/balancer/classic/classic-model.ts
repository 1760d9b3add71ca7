import { type HostInfo, type HostKey, hostKey } from '@lars/proto';
import type {
  Balancer,
  BalancerDeps,
  BalancerFactory,
  HostCounts,
  TransitionCause,
} from '../../../../agent/src/balancer/balancer.ts';
import type { ClassicOptions } from '../../../../agent/src/balancer/classic/classic.ts';

interface ModelHost {
  host: HostInfo;
  isEjected: boolean;
  counts: HostCounts;
  virtual: { succ: number; err: number };
  real: { succ: number; err: number };
  run: { ok: boolean; length: number };
  badWindows: number;
  sinceMs: number;
}

/** The classic rules once more, one after the other on plain arrays: slow, and easy to hold against docs/load-balancing.md. */
export function classicModel(options: ClassicOptions): BalancerFactory {
  return environment => new ClassicModel(options, environment);
}

class ClassicModel implements Balancer {
  readonly #options: ClassicOptions;
  readonly #environment: BalancerDeps;
  #idle: ModelHost[] = [];
  #overloaded: ModelHost[] = [];
  #probeCounter = 0;

  constructor(options: ClassicOptions, environment: BalancerDeps) {
    this.#options = options;
    this.#environment = environment;
  }

  get hostCount(): number {
    return this.#idle.length + this.#overloaded.length;
  }

  get ejectedCount(): number {
    return this.#overloaded.length;
  }

  hosts() {
    return [...this.#idle, ...this.#overloaded].values();
  }

  setHosts(list: readonly HostInfo[], nowMs: number): void {
    const isListed = (one: ModelHost) => list.some(host => hostKey(host) === hostKey(one.host));
    this.#idle = this.#idle.filter(isListed);
    this.#overloaded = this.#overloaded.filter(isListed);
    list.forEach((host, at) => {
      if (list.findIndex(other => hostKey(other) === hostKey(host)) !== at) return;
      const known = this.#find(hostKey(host));
      if (known !== undefined) known.host = host;
      else this.#idle.push(newHost(host, this.#options.initSuccCnt, nowMs)); // LB-1
    });
  }

  pick(): HostInfo | undefined {
    if (this.#overloaded.length === 0) {
      this.#probeCounter = 0; // LB-3
      return takeTurn(this.#idle)?.host;
    }
    if (this.#probeCounter < this.#options.probeNum) {
      this.#probeCounter++; // LB-4, LB-5
      return takeTurn(this.#idle)?.host;
    }
    this.#probeCounter = 0;
    const probed = takeTurn(this.#overloaded);
    if (probed !== undefined) probed.counts.probes++;
    return probed?.host;
  }

  report(key: HostKey, ok: boolean, tcostMs: number | undefined, nowMs: number): boolean {
    const one = this.#find(key);
    if (one === undefined) return false;
    this.#count(one, ok, tcostMs);
    const cause = this.#causeByCounts(one, ok) ?? this.#causeByTime(one, nowMs);
    if (cause !== undefined) this.#move(one, cause, nowMs);
    return true;
  }

  takeCounts(visit: Parameters<Balancer['takeCounts']>[0]): void {
    for (const one of this.hosts()) {
      const { succ, err, probes } = one.counts;
      if (succ + err + probes > 0) visit(one.host, one.isEjected, { ...one.counts });
      one.counts = { succ: 0, err: 0, tcostMs: 0, probes: 0 };
    }
  }

  #find(key: HostKey): ModelHost | undefined {
    return [...this.hosts()].find(one => hostKey(one.host) === key);
  }

  // LB-6
  #count(one: ModelHost, ok: boolean, tcostMs: number | undefined): void {
    const kind = ok ? 'succ' : 'err';
    one.counts[kind]++;
    one.counts.tcostMs += tcostMs ?? 0;
    const hundreds = this.#options.tcostAmplify && !ok && tcostMs !== undefined ? Math.floor(tcostMs / 100) : 1;
    const times = Math.max(1, Math.min(50, hundreds));
    for (let i = 0; i < times; i++) {
      one.real[kind]++;
      one.virtual[kind]++;
      one.run = { ok, length: one.run.ok === ok ? one.run.length + 1 : 1 };
    }
  }

  // LB-7, LB-8
  #causeByCounts(one: ModelHost, ok: boolean): TransitionCause | undefined {
    const { succ, err } = one.virtual;
    if (!one.isEjected && !ok) {
      if (err / (succ + err) > this.#options.errRate) return 'error-rate';
      if (one.run.length >= this.#options.continErrLimit) return 'failure-run';
    }
    if (one.isEjected && ok) {
      if (succ / (succ + err) > this.#options.succRate) return 'success-rate';
      if (one.run.length >= this.#options.continSuccLimit) return 'success-run';
    }
    return undefined;
  }

  // LB-9
  #causeByTime(one: ModelHost, nowMs: number): TransitionCause | undefined {
    const ageMs = nowMs - one.sinceMs;
    if (one.isEjected) return ageMs >= this.#options.overloadTimeoutMs ? 'overload-timeout' : undefined;
    if (ageMs < this.#options.idleTimeoutMs) return undefined;
    const isBad = one.real.err / (one.real.succ + one.real.err) >= this.#options.windowErrRate;
    const badWindows = isBad ? one.badWindows + 1 : 0;
    if (badWindows === this.#options.windowErrLimit) return 'window-error-rate';
    Object.assign(one, { ...newHost(one.host, this.#options.initSuccCnt, nowMs), counts: one.counts, badWindows });
    return undefined;
  }

  // LB-10
  #move(one: ModelHost, cause: TransitionCause, nowMs: number): void {
    const [from, to] = one.isEjected ? [this.#overloaded, this.#idle] : [this.#idle, this.#overloaded];
    from.splice(from.indexOf(one), 1);
    to.push(one);
    const fresh = newHost(one.host, this.#options.initSuccCnt, nowMs);
    if (!one.isEjected) Object.assign(fresh, { isEjected: true, virtual: { succ: 0, err: this.#options.initErrCnt } });
    Object.assign(one, { ...fresh, counts: one.counts });
    this.#environment.onTransition({ host: one.host, to: one.isEjected ? 'ejected' : 'healthy', cause, numbers: {} });
  }
}

/** LB-2 */
function takeTurn(list: ModelHost[]): ModelHost | undefined {
  const head = list.shift();
  if (head !== undefined) list.push(head);
  return head;
}

function newHost(host: HostInfo, initSuccCnt: number, nowMs: number): ModelHost {
  return {
    host,
    isEjected: false,
    counts: { succ: 0, err: 0, tcostMs: 0, probes: 0 },
    virtual: { succ: initSuccCnt, err: 0 },
    real: { succ: 0, err: 0 },
    run: { ok: true, length: 0 },
    badWindows: 0,
    sinceMs: nowMs,
  };
}
