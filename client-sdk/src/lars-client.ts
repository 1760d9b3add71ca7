import { formatModule, SHARD_COUNT, shardOf } from '@lars/proto';
import { CacheDriver, type HostStats, pickRecordOf, type RouteCache, recordPick } from './cache/index.ts';
import { type CallFunction, type CallOptions, checkCall, makeCall } from './call.ts';
import { larsChannels, publishReport } from './diagnostics.ts';
import { abortedError, closedError, isUnanswered, type RequestContext, tooManyPendingError } from './errors.ts';
import { Fallback, NO_FALLBACK } from './fallback.ts';
import type { LarsApi } from './lars-api.ts';
import type { LarsHost } from './lars-host.ts';
import { COPY_CAME, type HostReport, type Lookup, ShardChannel, systemLookup } from './link/index.ts';
import { type LarsClientOptions, readOptions, type Settings } from './options.ts';
import { waitForRoute } from './register.ts';
import { type CallResult, checkResult, makeReport, type ReportTarget } from './report.ts';
import { type RequestOptions, readLimits } from './request-options.ts';
import type { Route } from './route.ts';
import { type CacheCounts, type LarsStats, newCounters } from './stats.ts';
import { pause } from './util/pause.ts';
import { type EndObserver, ignoreProcessEnd, observeProcessEnd } from './util/process-end.ts';
import { WakeTimer } from './util/wake-timer.ts';
import { checkModule } from './validation.ts';

/** What a client needs from its process; tests bring their own. */
export interface ClientDeps {
  /** Monotonic. */
  readonly nowMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly lookup: Lookup;
  /** The sequence number with which each socket starts. */
  readonly firstSeq: number;
}

const systemDeps: ClientDeps = {
  nowMs: () => performance.now(),
  random: Math.random,
  lookup: systemLookup,
  firstSeq: 1,
};

const REGISTER_TIMEOUT_MS = 10_000;
const CLOSE_GRACE_MS = 500;
const NO_CACHE: CacheCounts = { copyPicks: 0, cacheFull: 0, copies: 0, held: 0 };

/**
 * Asks the LARS agent which host to call, and reports the results of the calls. One client is enough for a whole process: it has one UDP
 * socket for each shard of the agent, opened when it is first needed, which keeps the process alive only while a request waits.
 *
 * All errors are LarsErrors; their codes are in the README.
 */
export class LarsClient implements LarsApi {
  readonly #settings: Settings;
  readonly #deps: ClientDeps;
  readonly #counters = newCounters();
  readonly #channels: readonly ShardChannel[];
  readonly #timer: WakeTimer;
  /** Undefined where copies are needed neither for picks nor for the agent's absence. */
  readonly #driver: CacheDriver | undefined;
  /** Undefined with `fallback: false`. */
  readonly #fallback: Fallback | undefined;
  /** The driver's, until the client is closed. */
  #cache: RouteCache | undefined;
  /** Aborted by close. */
  readonly #closeController = new AbortController();
  #closing: Promise<void> | undefined;
  /** A program that forgets close() loses no results. Known to the process from the first result on. */
  readonly #endObserver: EndObserver = {
    onBeforeExit: () => this.#driver?.cache.flushAll(),
    onExit: () => {
      this.#driver?.cache.flushAll();
      for (const channel of this.#channels) channel.flushNow();
    },
  };
  #isEndObserved = false;

  /**
   * Opens nothing yet.
   * @param deps for tests
   * @throws {LarsError} LARS_BAD_ARGUMENT naming the option
   */
  constructor(options: LarsClientOptions = {}, deps: Partial<ClientDeps> = {}) {
    this.#settings = readOptions(options, process.env['LARS_ROUTES_FILE'], process.env['LARS_ZONE']);
    this.#deps = { ...systemDeps, ...deps };
    const { nowMs, lookup, firstSeq } = this.#deps;
    this.#timer = new WakeTimer(nowMs, () => this.#onTimer());
    const channelDeps = {
      nowMs,
      lookup,
      firstSeq,
      counters: this.#counters,
      purpose: this.#settings.purpose,
      wakeAt: (atMs: number) => this.#timer.wakeAt(atMs),
      mayPickAlone: this.#settings.fallback
        ? (modid: number, cmdid: number) => this.#fallback?.mayPick(modid, cmdid) === true
        : undefined,
    };
    this.#channels = this.#settings.ports.map(port => new ShardChannel(this.#settings.host, port, channelDeps));
    const { cache, fallback, routesFile } = this.#settings;
    this.#driver = cache || fallback ? this.#newDriver(cache, fallback) : undefined;
    this.#fallback = fallback && this.#driver !== undefined ? new Fallback(this.#driver, routesFile, nowMs) : undefined;
    this.#cache = this.#driver?.cache;
  }

  /**
   * Picks the host to call now. Report the result of the call afterwards. Where the client may pick from its copy of the route, the promise
   * is resolved already.
   * @throws {LarsError} LARS_OVERLOAD, LARS_NO_EXIST, LARS_SYSTEM_ERROR by the agent's answer; LARS_AGENT_SILENT, LARS_AGENT_UNREACHABLE,
   *   LARS_ABORTED, LARS_CLOSED, LARS_TOO_MANY_PENDING, LARS_BAD_ARGUMENT without one
   */
  getHost(modid: number, cmdid: number, options?: RequestOptions): Promise<LarsHost> {
    const copied = options === undefined ? this.#cache?.pick(modid, cmdid) : undefined;
    return copied === undefined ? this.#getHost(modid, cmdid, options) : copied.promise;
  }

  /**
   * Picks the host to call now, if the client may do so from its copy of the route. Otherwise it returns undefined, and the agent must be
   * asked with getHost: at the first call of a module, while the agent has to pick, and always with `cache: false`. Report as after
   * getHost.
   */
  tryGetHost(modid: number, cmdid: number): LarsHost | undefined {
    return this.#cache?.pick(modid, cmdid)?.host;
  }

  /**
   * Gets all hosts of a module, whatever their state; none when the agent does not know the module (yet).
   * @throws {LarsError} as getHost does, but for LARS_OVERLOAD, LARS_NO_EXIST and LARS_SYSTEM_ERROR
   */
  async getRoute(modid: number, cmdid: number, options: RequestOptions = {}): Promise<Route> {
    checkModule(modid, cmdid);
    const limits = readLimits(options, this.#settings.timeoutMs);
    this.#refuseUnwanted(modid, cmdid, limits.signal);
    const channel = this.#admitRequest(modid, cmdid);
    this.#cache?.flush(modid, cmdid);
    return channel.getRoute(modid, cmdid, limits);
  }

  /**
   * Waits until the agent has the module's route, also while the agent itself is still starting. A service that does so at its start finds
   * a host at its first call. Waits 10 seconds by default.
   * @throws {LarsError} LARS_NO_ROUTE with the last failure as its cause; LARS_ABORTED, LARS_CLOSED, LARS_BAD_ARGUMENT
   */
  async register(modid: number, cmdid: number, options: RequestOptions = {}): Promise<Route> {
    checkModule(modid, cmdid);
    const { signal, timeoutMs } = readLimits(options, REGISTER_TIMEOUT_MS);
    const { nowMs, random } = this.#deps;
    const enders = signal === undefined ? [this.#closeController.signal] : [this.#closeController.signal, signal];
    return waitForRoute(this.#contextOf(modid, cmdid), timeoutMs, {
      nowMs,
      random,
      getRoute: leftMs => this.getRoute(modid, cmdid, { signal, timeoutMs: Math.min(leftMs, this.#settings.timeoutMs) }),
      pause: ms => pause(ms, enders),
    });
  }

  /**
   * Reports the result of a call to `host`; there is no answer. Never fails for reasons of the network; after close it is counted as
   * dropped. Successes of hosts that were picked from a copy are buffered for a tenth of a second and merged. Every other result is sent at
   * once, after the buffered ones.
   * @param host what getHost returned, or { modid, cmdid, host, port }
   * @throws {LarsError} LARS_BAD_ARGUMENT naming the argument
   */
  report(host: ReportTarget, result: CallResult): void {
    const record = pickRecordOf(host);
    const stats = record?.stats;
    if (stats !== undefined && record?.pickedBy === 'client' && stats.owner.cache === this.#cache)
      this.#bufferResult(stats, result);
    else this.#sendResult(host, result);
    if (larsChannels.report.hasSubscribers) publishReport(host, result);
  }

  /**
   * Picks a host, runs `run` with it, times it, reports success or failure, and returns the result or throws the very error of `run`.
   * @throws {LarsError} as getHost does, before `run` was called; LARS_CALL_TIMEOUT when the time is up, and LARS_ABORTED when the caller's
   *   signal aborts, at once and with the `host`
   */
  async call<T>(modid: number, cmdid: number, run: CallFunction<T>, options: CallOptions<T> = {}): Promise<T> {
    checkModule(modid, cmdid);
    checkCall(run, options);
    return makeCall(this.#contextOf(modid, cmdid), run, options, this.#settings, this, this.#deps.nowMs);
  }

  /**
   * Looks at the agent's file (`routesFile`) now, as the first request does for which the agent is away.
   * @returns why it is of no use, its name first, as `stats().routesFileProblem` has it; undefined where it is of use, or there is none
   */
  async checkRoutesFile(): Promise<string | undefined> {
    return this.#fallback?.lookAtRoutesFile();
  }

  /** What the client has done so far. */
  stats(): LarsStats {
    const counts = this.#driver?.cache.counts ?? NO_CACHE;
    return {
      pending: this.#pendingCount(),
      ...(this.#fallback?.stats(this.#channels) ?? NO_FALLBACK),
      ...counts,
      ...this.#counters,
    };
  }

  /**
   * Rejects the requests that wait with LARS_CLOSED, sends the buffered results, waits for up to half a second until the kernel has them,
   * and closes the sockets. Further calls return the same promise.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#closeController.abort();
    this.#driver?.close();
    this.#fallback?.close();
    this.#cache = undefined;
    // What comes while the sockets are flushed wakes nobody any more.
    this.#timer.close();
    await Promise.all(this.#channels.map(channel => channel.close(CLOSE_GRACE_MS)));
    ignoreProcessEnd(this.#endObserver);
  }

  #newDriver(cache: boolean, fallback: boolean): CacheDriver {
    return new CacheDriver({
      ...this.#deps,
      cache,
      fallback,
      zone: this.#settings.zone,
      counters: this.#counters,
      channelOf: (modid, cmdid) => this.#channelOf(modid, cmdid),
    });
  }

  /** Asks the agent. With options that getHost did not look at, the client may pick from its copy after all. */
  async #getHost(modid: number, cmdid: number, options: RequestOptions = {}): Promise<LarsHost> {
    checkModule(modid, cmdid);
    const limits = readLimits(options, this.#settings.timeoutMs);
    this.#refuseUnwanted(modid, cmdid, limits.signal);
    const copied = this.#cache?.pick(modid, cmdid);
    if (copied !== undefined) return copied.host;
    if (this.#channelOf(modid, cmdid).isAwayFor(modid, cmdid)) {
      const own = await this.#fallback?.pick(modid, cmdid);
      if (own !== undefined) return own;
    }
    const channel = this.#admitRequest(modid, cmdid);
    this.#driver?.beforeAgentPick(modid, cmdid);
    try {
      return this.#recordAgentPick(await channel.getHost(modid, cmdid, limits));
    } catch (error) {
      if (error === COPY_CAME) return this.#getHost(modid, cmdid, options);
      const own = isUnanswered(error) ? await this.#fallback?.pick(modid, cmdid) : undefined;
      if (own === undefined) throw error;
      return own;
    }
  }

  #recordAgentPick(host: LarsHost): LarsHost {
    if (this.#cache === undefined) recordPick(host, 'agent', undefined);
    else this.#cache.onAgentPick(host, this.#deps.nowMs());
    return host;
  }

  /** Sends the result of a call to a host that this client has not picked from a copy, as far as it knows. */
  #sendResult(host: ReportTarget, result: CallResult): void {
    const report = makeReport(host, result);
    const { modid, cmdid } = report;
    const record = pickRecordOf(host);
    const stats = record?.stats?.owner.cache === this.#cache ? record?.stats : undefined;
    // For the agent, a host that the caller chose itself is the same as one picked from a copy: no pick of the agent's waits for its result.
    const isCallersChoice = stats === undefined && record?.pickedBy !== 'agent';
    const usable = isCallersChoice ? this.#cache?.usableHost(modid, cmdid, report.host) : undefined;
    if (usable !== undefined) this.#bufferResult(usable, result);
    else this.#sendReport(stats, report);
  }

  /** Sends a report, after the buffered results of its module. */
  #sendReport(stats: HostStats | undefined, report: HostReport): void {
    const { modid, cmdid, retcode, tcost } = report;
    this.#counters.reports += 1;
    if (this.#closing !== undefined) {
      this.#counters.dropped += 1;
      return;
    }
    this.#observeEnd();
    if (stats !== undefined) stats.owner.observeResult(stats, retcode === 0, tcost);
    else this.#cache?.flush(modid, cmdid);
    this.#channelOf(modid, cmdid).report(report);
  }

  #bufferResult(stats: HostStats, result: CallResult): void {
    const tcostMs = checkResult(result);
    this.#observeEnd();
    this.#counters.reports += 1;
    stats.owner.bufferResult(stats, result.ok, tcostMs);
  }

  #observeEnd(): void {
    if (this.#isEndObserved) return;
    this.#isEndObserved = true;
    observeProcessEnd(this.#endObserver);
  }

  /** Refuses a request whose answer would not be used. */
  #refuseUnwanted(modid: number, cmdid: number, signal: AbortSignal | undefined): void {
    if (this.#closing !== undefined) throw closedError(this.#contextOf(modid, cmdid));
    if (signal?.aborted) {
      this.#counters.aborted += 1;
      throw abortedError(this.#contextOf(modid, cmdid), signal.reason);
    }
  }

  /** Refuses a request for which there is no room, before anything is sent. */
  #admitRequest(modid: number, cmdid: number): ShardChannel {
    if (this.#pendingCount() >= this.#settings.maxPending) {
      this.#counters.tooManyPending += 1;
      throw tooManyPendingError(this.#contextOf(modid, cmdid), this.#settings.maxPending);
    }
    return this.#channelOf(modid, cmdid);
  }

  #channelOf(modid: number, cmdid: number): ShardChannel {
    const channel = this.#channels[shardOf(modid, cmdid)];
    if (channel === undefined) throw new Error(`module ${formatModule(modid, cmdid)} is in none of ${SHARD_COUNT} shards`);
    return channel;
  }

  #contextOf(modid: number, cmdid: number): RequestContext {
    return { modid, cmdid, agent: this.#channelOf(modid, cmdid).agent };
  }

  #pendingCount(): number {
    let count = 0;
    for (const channel of this.#channels) count += channel.pendingCount;
    return count;
  }

  #onTimer(): void {
    const nowMs = this.#deps.nowMs();
    for (const channel of this.#channels) channel.onTime(nowMs);
  }
}
