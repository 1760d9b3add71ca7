// pure
import { type BatchReportRequest, type BatchResult, type HostKey, hostKey, type RouteKey, routeKey } from '@lars/proto';

/** Calls and hosts that are remembered at most. What comes beyond is dropped and counted. */
const MAX_CALLS = 1_000_000;
const MAX_HOSTS = 10_000;
/** What one datagram tells of at most: so many results fit in it, and each call is a step of the agent's algorithm. */
const MAX_BATCH_RESULTS = 100;
const MAX_BATCH_CALLS = 10_000;

type Sums = { -readonly [Name in keyof BatchResult]: BatchResult[Name] };

/** The calls to one host: those with a duration, and those without. The agent sees only the sum of the durations. */
type HostSums = Readonly<Record<'timed' | 'untimed', Sums>>;

interface ModuleSums {
  readonly modid: number;
  readonly cmdid: number;
  /** By whether the hosts were picked from a copy. */
  readonly hosts: Readonly<Record<'fromCopy' | 'fromAgent', Map<HostKey, HostSums>>>;
}

/** The results of calls that were made while the agent was away, summed up by host, until it is back. */
export class OutageResults {
  readonly #modules = new Map<RouteKey, ModuleSums>();
  #calls = 0;
  #hosts = 0;
  #dropped = 0;

  /** How many calls it has the results of. */
  get calls(): number {
    return this.#calls;
  }

  /** Calls whose results were dropped for want of room. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The modules that it has results of. */
  modules(): IterableIterator<[RouteKey, { readonly modid: number; readonly cmdid: number }]> {
    return this.#modules.entries();
  }

  has(key: RouteKey): boolean {
    return this.#modules.has(key);
  }

  add({ modid, cmdid, results, fromCopy }: BatchReportRequest): void {
    for (const result of results) {
      const calls = result.succ + result.err;
      const sums = this.#calls + calls <= MAX_CALLS ? this.#sumsOf(modid, cmdid, fromCopy, result) : undefined;
      if (sums === undefined) {
        this.#dropped += calls;
        continue;
      }
      sums.succ += result.succ;
      sums.err += result.err;
      sums.tcost += result.tcost;
      this.#calls += calls;
    }
  }

  /** Takes out all results of a module, in batches that fit in a datagram each. */
  take(key: RouteKey): BatchReportRequest[] {
    const module = this.#modules.get(key);
    if (module === undefined) return [];
    this.#modules.delete(key);
    const { modid, cmdid, hosts } = module;
    const batches: BatchReportRequest[] = [];
    for (const [origin, sums] of Object.entries(hosts)) {
      this.#hosts -= sums.size;
      const results = [...sums.values()]
        .flatMap(({ timed, untimed }) => [timed, untimed])
        .filter(({ succ, err }) => succ + err > 0);
      for (const { succ, err } of results) this.#calls -= succ + err;
      for (const batch of batchesOf(results))
        batches.push({ modid, cmdid, results: batch, fromCopy: origin === 'fromCopy', simulated: false });
    }
    return batches;
  }

  /** The sums that the result belongs to; undefined where there is no room for another host. */
  #sumsOf(modid: number, cmdid: number, fromCopy: boolean, { ip, port, addr, tcost }: BatchResult): Sums | undefined {
    const host = hostKey({ ip, port, addr });
    const key = routeKey(modid, cmdid);
    const known = this.#modules.get(key);
    const origin = fromCopy ? 'fromCopy' : 'fromAgent';
    const kind = tcost === 0 ? 'untimed' : 'timed';
    const sums = known?.hosts[origin].get(host);
    if (sums !== undefined) return sums[kind];
    if (this.#hosts >= MAX_HOSTS) return undefined;
    const module = known ?? { modid, cmdid, hosts: { fromCopy: new Map(), fromAgent: new Map() } };
    if (known === undefined) this.#modules.set(key, module);
    const none = () => ({ ip, port, addr, succ: 0, err: 0, tcost: 0 });
    const added = { timed: none(), untimed: none() };
    module.hosts[origin].set(host, added);
    this.#hosts += 1;
    return added[kind];
  }
}

/** Results in lists, none of which tells of too many calls. */
function batchesOf(results: readonly BatchResult[]): BatchResult[][] {
  const batches: BatchResult[][] = [];
  let batch: BatchResult[] = [];
  let calls = 0;
  for (const result of results.flatMap(partsOf)) {
    const more = result.succ + result.err;
    if (batch.length > 0 && (batch.length >= MAX_BATCH_RESULTS || calls + more > MAX_BATCH_CALLS)) {
      batches.push(batch);
      batch = [];
      calls = 0;
    }
    batch.push(result);
    calls += more;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}

/** A result of very many calls in parts, which have the same share of failures and the same durations, and the same sums together. */
function partsOf(whole: BatchResult): BatchResult[] {
  const parts = Math.ceil((whole.succ + whole.err) / MAX_BATCH_CALLS);
  if (parts <= 1) return [whole];
  const share = (sum: number, part: number) => Math.floor((sum * (part + 1)) / parts) - Math.floor((sum * part) / parts);
  return Array.from({ length: parts }, (_, part) => ({
    ...whole,
    succ: share(whole.succ, part),
    err: share(whole.err, part),
    tcost: share(whole.tcost, part),
  }));
}
