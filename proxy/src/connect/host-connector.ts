import type { LarsApi } from '@lars/client-sdk';
import type { Engine } from '@lars/reactor';
import type { SharedCounters } from '@lars/runtime/counters';
import { type ProxyCounter, proxyCounters } from '../counters.ts';
import type { HostPick } from '../pick/host-picker.ts';
import type { HostTable } from '../pick/host-table.ts';
import { HostAttempt, type HostAttemptDeps } from './host-attempt.ts';
import { HostSearch, type SearchOwner, type SearchTools, type SearchWish } from './host-search.ts';
import type { NameResolver } from './name-resolver.ts';

export interface HostConnectorDeps {
  readonly engine: Engine;
  readonly lars: Pick<LarsApi, 'report'>;
  readonly hosts: HostTable;
  readonly names: NameResolver;
  readonly counters: SharedCounters<ProxyCounter>;
  /** Monotonic. */
  readonly nowMs: () => number;
}

const at = proxyCounters.at;

/** Comes to hosts for clients. */
export class HostConnector implements SearchTools {
  readonly engine: Engine;
  readonly names: NameResolver;
  readonly counters: SharedCounters<ProxyCounter>;
  readonly #attemptDeps: HostAttemptDeps;

  constructor({ engine, lars, hosts, names, counters, nowMs }: HostConnectorDeps) {
    this.engine = engine;
    this.names = names;
    this.counters = counters;
    const onReport = (ok: boolean) => counters.add(ok ? at.reportedSuccesses : at.reportedFailures);
    this.#attemptDeps = { lars, hosts, nowMs, onReport };
  }

  /** The owner is told what comes of it, within this call or later. */
  connect(wish: SearchWish, owner: SearchOwner): void {
    new HostSearch(this, wish, owner).next();
  }

  attempt(pick: HostPick): HostAttempt {
    return new HostAttempt(pick, this.#attemptDeps);
  }
}
