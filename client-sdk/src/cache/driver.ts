import { MAX_DATAGRAM_BYTES } from '@lars/proto';
import type { LarsHost } from '../lars-host.ts';
import type { ShardChannel } from '../link/index.ts';
import type { Counters } from '../stats.ts';
import type { CachedModule } from './cached-module.ts';
import { MIN_REFRESH_GAP_MS } from './refresh.ts';
import { ABSENCE_CACHE, FLUSH_INTERVAL_MS, FULL_CACHE, RouteCache } from './route-cache.ts';

/** What a driver needs. */
export interface DriverDeps {
  readonly nowMs: () => number;
  readonly random: () => number;
  readonly channelOf: (modid: number, cmdid: number) => ShardChannel;
  readonly counters: Counters;
  /** Whether copies are picked from while the agent is there, and whether they are while it is away. */
  readonly cache: boolean;
  readonly fallback: boolean;
  /** The caller's own zone; empty: zones do not matter. */
  readonly zone: string;
}

/** How long a route query waits for its answer. No caller waits with it, and the module's next query is not sent before. */
const ANSWER_TIMEOUT_MS = 500;

/** No host of a route takes more bytes on the wire. An answer that leaves less room than that may have been cut to fit. */
const LARGEST_HOST_BYTES = 600;

/**
 * Gives a RouteCache its time and its way to the agent. Its timers run only while there are modules, and never keep a process alive. The
 * immediate at the end of a tick with a failure does, so that no failure is lost when the process ends.
 */
export class CacheDriver {
  readonly cache: RouteCache;
  readonly #deps: DriverDeps;
  #timer: NodeJS.Timeout | undefined;
  #refreshTimer: NodeJS.Timeout | undefined;
  #slice = 0;
  #slices = 1;
  #tickEnd: NodeJS.Immediate | undefined;
  #isClosed = false;

  constructor(deps: DriverDeps) {
    this.#deps = deps;
    const { nowMs, random, channelOf, counters } = deps;
    this.cache = new RouteCache(
      {
        sendBatch: (modid, cmdid, results) => {
          counters.batches += 1;
          channelOf(modid, cmdid).reportBatch({ modid, cmdid, results: [...results], fromCopy: true, simulated: false });
        },
        queryRoute: (module, version) => {
          counters.refreshes += 1;
          const { modid, cmdid } = module;
          channelOf(modid, cmdid).refresh(modid, cmdid, version, ANSWER_TIMEOUT_MS, (answer, bytes) => {
            if (answer === undefined) this.#onNoAnswer(module);
            else module.onRoute(answer, bytes <= MAX_DATAGRAM_BYTES - LARGEST_HOST_BYTES, nowMs());
          });
        },
        scheduleFailureRefresh: () => {
          this.#tickEnd = setImmediate(() => this.cache.refreshAfterFailures(nowMs()));
        },
        scheduleRefresh: () => {
          this.#refreshTimer = setTimeout(() => this.cache.refreshRateLimited(nowMs()), MIN_REFRESH_GAP_MS).unref();
        },
        onOpened: ({ modid, cmdid }) => channelOf(modid, cmdid).onCopy(modid, cmdid),
        isAgentAway: (modid, cmdid) => channelOf(modid, cmdid).isAwayFor(modid, cmdid),
        isAgentGone: (modid, cmdid) => channelOf(modid, cmdid).isAway,
      },
      random,
      { ...(deps.cache ? FULL_CACHE : ABSENCE_CACHE), ...(deps.fallback ? {} : { maxUnused: 0 }), zone: deps.zone },
    );
  }

  /** To be called before the agent is asked for a host. */
  beforeAgentPick(modid: number, cmdid: number): void {
    this.cache.beforeAgentPick(modid, cmdid, this.#deps.nowMs());
    this.#startTimer();
  }

  /** A host for a request that the agent has not answered; undefined where there is no copy. */
  pickUnasked(modid: number, cmdid: number): LarsHost | undefined {
    if (this.#isClosed) return undefined;
    this.#startTimer();
    return this.cache.pickUnasked(modid, cmdid, this.#deps.nowMs())?.host;
  }

  /** Sends all unsent results. Nothing is sent later. */
  close(): void {
    this.#isClosed = true;
    this.cache.flushAll();
    clearTimeout(this.#timer);
    clearTimeout(this.#refreshTimer);
    clearImmediate(this.#tickEnd);
    this.#timer = undefined;
  }

  #startTimer(): void {
    this.#timer ??= setTimeout(this.#onTimer, FLUSH_INTERVAL_MS).unref();
  }

  #onNoAnswer(module: CachedModule): void {
    if (!this.#isClosed) this.#deps.counters.refreshesLost += 1;
    module.onNoRoute(this.#deps.nowMs());
  }

  readonly #onTimer = (): void => {
    if (this.#slice === 0) this.#slices = this.cache.slices;
    this.cache.onTime(this.#deps.nowMs(), this.#slice, this.#slices);
    this.#slice = this.cache.isEmpty ? 0 : (this.#slice + 1) % this.#slices;
    this.#timer = this.cache.isEmpty ? undefined : setTimeout(this.#onTimer, FLUSH_INTERVAL_MS / this.#slices).unref();
  };
}
