import { formatModule, type ReportRequest, SHARD_COUNT, shardOf } from '@lars/proto';
import { CacheDriver } from './cache/driver.ts';
import type { HostStats } from './cache/host-stats.ts';
import type { CacheCounts, RouteCache } from './cache/route-cache.ts';
import { type CallFunction, type CallOptions, checkCallOptions, runCall } from './call.ts';
import * as failures from './failures.ts';
import { LarsHost } from './lars-host.ts';
import { type Lookup, systemLookup } from './link/agent-socket.ts';
import type { Route } from './link/answers.ts';
import { type Limits, ShardChannel } from './link/shard-channel.ts';
import { type LarsClientOptions, readOptions, type Settings } from './options.ts';
import { waitForRoute } from './register.ts';
import { type CallResult, checkResult, makeReport, type ReportTarget } from './report.ts';
import { type LarsStats, newCounters } from './stats.ts';
import { pause } from './util/pause.ts';
import { WakeTimer } from './util/wake-timer.ts';
import { checkFunction, checkModule, checkObject, checkSignal, checkTimeout } from './validation.ts';

export interface RequestOptions {
  /** Ends the request early, with LARS_ABORTED and the signal's reason as its cause. */
  readonly signal?: AbortSignal | undefined;
  /** How long to wait; the client's `timeoutMs` unless told. */
  readonly timeoutMs?: number | undefined;
}

/** What a client takes from its deps; tests bring their own. */
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
 * Asks the LARS agent which host to call, and tells it how calls went. One client serves a whole process: it has one UDP socket per
 * agent shard, opened when first needed, which keep the process alive only while a request waits.
 *
 * All errors are LarsErrors; their codes are in the README.
 */
export class LarsClient {
  readonly #settings: Settings;
  readonly #deps: ClientDeps;
  readonly #counters = newCounters();
  readonly #channels: readonly ShardChannel[];
  readonly #timer: WakeTimer;
  readonly #driver: CacheDriver | undefined;
  /** Undefined where there is none, and after close. */
  #cache: RouteCache | undefined;
  /** Aborted by close. */
  readonly #closeSignal = new AbortController();
  #closing: Promise<void> | undefined;

  /**
   * Opens nothing yet.
   * @param deps for tests
   * @throws {LarsError} LARS_BAD_ARGUMENT naming the option
   */
  constructor(options: LarsClientOptions = {}, deps: Partial<ClientDeps> = {}) {
    this.#settings = readOptions(options);
    this.#deps = { ...systemDeps, ...deps };
    const { nowMs, lookup, firstSeq } = this.#deps;
    this.#timer = new WakeTimer(nowMs, () => this.#onTime());
    const channelDeps = {
      nowMs,
      lookup,
      firstSeq,
      counters: this.#counters,
      wakeAt: (atMs: number) => this.#timer.wakeAt(atMs),
    };
    this.#channels = this.#settings.ports.map(port => new ShardChannel(this.#settings.host, port, channelDeps));
    this.#driver = this.#settings.cache ? this.#newDriver() : undefined;
    this.#cache = this.#driver?.cache;
  }

  /**
   * The host to call now. Report afterwards how the call went. Where the client may pick it from its copy of the route, the promise is
   * resolved already.
   * @throws {LarsError} LARS_OVERLOAD, LARS_NO_EXIST, LARS_SYSTEM_ERROR by the agent's answer; LARS_TIMEOUT, LARS_AGENT_UNREACHABLE,
   *   LARS_ABORTED, LARS_CLOSED, LARS_TOO_MANY_PENDING, LARS_BAD_ARGUMENT without one
   */
  getHost(modid: number, cmdid: number, options?: RequestOptions): Promise<LarsHost> {
    const copied = options === undefined ? this.#cache?.pick(modid, cmdid) : undefined;
    return copied === undefined ? this.#getHost(modid, cmdid, options) : copied.promise;
  }

  /**
   * The host to call now, if the client may pick it from its copy of the route; undefined when the agent must be asked, by getHost: at the
   * first call of a module, while the agent wants to see every call, and always with `cache: false`. Report as after getHost.
   */
  tryGetHost(modid: number, cmdid: number): LarsHost | undefined {
    return this.#cache?.pick(modid, cmdid)?.host;
  }

  /**
   * All hosts of a module, whatever their state; none when the agent does not know the module (yet).
   * @throws {LarsError} as getHost does, but for LARS_OVERLOAD, LARS_NO_EXIST and LARS_SYSTEM_ERROR
   */
  async getRoute(modid: number, cmdid: number, options: RequestOptions = {}): Promise<Route> {
    checkModule(modid, cmdid);
    const limits = this.#readLimits(options);
    this.#refuseUnwanted(modid, cmdid, limits.signal);
    const channel = this.#admitRequest(modid, cmdid);
    this.#cache?.flush(modid, cmdid);
    return channel.getRoute(modid, cmdid, limits);
  }

  /**
   * Waits until the agent has the module's route, also while the agent itself is still starting. For the start of a service, so that
   * its first call finds everything in place. Waits 10 seconds unless told otherwise.
   * @throws {LarsError} LARS_TIMEOUT with the last failure as its cause; LARS_ABORTED, LARS_CLOSED, LARS_BAD_ARGUMENT
   */
  async register(modid: number, cmdid: number, options: RequestOptions = {}): Promise<Route> {
    checkModule(modid, cmdid);
    const { signal, timeoutMs } = this.#readLimits(options, REGISTER_TIMEOUT_MS);
    const { nowMs, random } = this.#deps;
    const enders = signal === undefined ? [this.#closeSignal.signal] : [this.#closeSignal.signal, signal];
    return waitForRoute(this.#context(modid, cmdid), timeoutMs, {
      nowMs,
      random,
      getRoute: leftMs => this.getRoute(modid, cmdid, { signal, timeoutMs: Math.min(leftMs, this.#settings.timeoutMs) }),
      pause: ms => pause(ms, enders),
    });
  }

  /**
   * Tells the agent how a call to `host` went; there is no answer. Never fails for reasons of the network; after close it is counted as
   * dropped. Successes of hosts that were picked from a copy are held for a tenth of a second and merged; all else is sent at once, and
   * after what is held.
   * @param host what getHost gave, or { modid, cmdid, host, port }
   * @throws {LarsError} LARS_BAD_ARGUMENT naming the argument
   */
  report(host: ReportTarget, result: CallResult): void {
    const stats = LarsHost.copiedCellOf(host);
    if (stats === undefined || stats.owner.cache !== this.#cache) this.#report(host, result);
    else this.#reportCopied(stats, result);
  }

  /**
   * Picks a host, runs `run` with it, times it, reports success or failure, and gives the result or throws the very error of `run`.
   * @throws {LarsError} as getHost does, before `run` was called; LARS_TIMEOUT when options.timeoutMs is over
   */
  async call<T>(modid: number, cmdid: number, run: CallFunction<T>, options: CallOptions = {}): Promise<T> {
    checkFunction('run', run);
    checkObject('options', options);
    checkCallOptions(options);
    const { signal, timeoutMs } = options;
    const { nowMs } = this.#deps;
    const startMs = nowMs();
    const pickTimeoutMs = Math.min(timeoutMs ?? this.#settings.timeoutMs, this.#settings.timeoutMs);
    const copied = signal?.aborted ? undefined : this.tryGetHost(modid, cmdid);
    const host = copied ?? (await this.getHost(modid, cmdid, { signal, timeoutMs: pickTimeoutMs }));
    const context = this.#context(modid, cmdid);
    if (signal?.aborted) throw failures.aborted(context, signal.reason);
    const leftMs = timeoutMs === undefined ? undefined : Math.max(1, timeoutMs - (nowMs() - startMs));
    return runCall(context, host, run, options, leftMs, { nowMs, report: (target, result) => this.report(target, result) });
  }

  /** What the client has done so far. */
  stats(): LarsStats {
    return { pending: this.#pendingCount(), ...(this.#driver?.cache.counts ?? NO_CACHE), ...this.#counters };
  }

  /**
   * Rejects what waits with LARS_CLOSED, sends the reports that are held, lets reports go out for up to half a second, and closes the sockets. Any further call of it
   * gives the same promise.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#closeSignal.abort();
    this.#driver?.close();
    this.#cache = undefined;
    this.#timer.stop();
    await Promise.all(this.#channels.map(channel => channel.close(CLOSE_GRACE_MS)));
  }

  #newDriver(): CacheDriver {
    return new CacheDriver({
      ...this.#deps,
      counters: this.#counters,
      channelOf: (modid, cmdid) => this.#channelOf(modid, cmdid),
    });
  }

  /** Asks the agent, unless the options were what kept from picking from the copy. */
  async #getHost(modid: number, cmdid: number, options: RequestOptions = {}): Promise<LarsHost> {
    checkModule(modid, cmdid);
    const limits = this.#readLimits(options);
    this.#refuseUnwanted(modid, cmdid, limits.signal);
    const copied = this.#cache?.pick(modid, cmdid);
    if (copied !== undefined) return copied.host;
    const channel = this.#admitRequest(modid, cmdid);
    this.#driver?.beforeAgentPick(modid, cmdid);
    const host = await channel.getHost(modid, cmdid, limits);
    this.#cache?.onAgentPick(host, this.#deps.nowMs());
    return host;
  }

  /** What was not picked from a copy here, as far as anybody knows. */
  #report(host: ReportTarget, result: CallResult): void {
    const report = makeReport(host, result);
    const { modid, cmdid } = report;
    const known = LarsHost.statsOf(host);
    const stats = known?.owner.cache === this.#cache ? known : undefined;
    // Who has chosen the host himself has done so from a copy, as far as the agent is concerned.
    const isChosen = stats === undefined && !LarsHost.isOfAgent(host);
    const copied = isChosen ? this.#cache?.usableHost(modid, cmdid, report.host) : undefined;
    if (copied !== undefined) this.#reportCopied(copied, result);
    else this.#reportPicked(stats, report);
  }

  /** The agent must hear first what came before. */
  #reportPicked(stats: HostStats | undefined, report: ReportRequest): void {
    const { modid, cmdid, retcode, tcost } = report;
    this.#counters.reports += 1;
    if (this.#closing !== undefined) {
      this.#counters.dropped += 1;
      return;
    }
    if (stats !== undefined) stats.owner.observeResult(stats, retcode === 0, tcost);
    else this.#cache?.flush(modid, cmdid);
    this.#channelOf(modid, cmdid).report(report);
  }

  #reportCopied(stats: HostStats, result: CallResult): void {
    const tcostMs = checkResult(result);
    this.#counters.reports += 1;
    stats.owner.bufferResult(stats, result.ok, tcostMs);
  }

  #readLimits(options: RequestOptions, defaultMs = this.#settings.timeoutMs): Limits {
    checkObject('options', options);
    const { signal, timeoutMs = defaultMs } = options;
    checkSignal(signal);
    checkTimeout(timeoutMs);
    return { signal, timeoutMs };
  }

  /** Refuses a request for which there is no point. */
  #refuseUnwanted(modid: number, cmdid: number, signal: AbortSignal | undefined): void {
    if (this.#closing !== undefined) throw failures.closed(this.#context(modid, cmdid));
    if (signal?.aborted) {
      this.#counters.aborted += 1;
      throw failures.aborted(this.#context(modid, cmdid), signal.reason);
    }
  }

  /** Refuses a request for which there is no room, before anything is sent. */
  #admitRequest(modid: number, cmdid: number): ShardChannel {
    if (this.#pendingCount() >= this.#settings.maxPending) {
      this.#counters.tooManyPending += 1;
      throw failures.tooManyPending(this.#context(modid, cmdid), this.#settings.maxPending);
    }
    return this.#channelOf(modid, cmdid);
  }

  #channelOf(modid: number, cmdid: number): ShardChannel {
    const channel = this.#channels[shardOf(modid, cmdid)];
    if (channel === undefined) throw new Error(`module ${formatModule(modid, cmdid)} is in none of ${SHARD_COUNT} shards`);
    return channel;
  }

  #context(modid: number, cmdid: number): failures.RequestContext {
    return { modid, cmdid, agent: this.#channelOf(modid, cmdid).agent };
  }

  #pendingCount(): number {
    let count = 0;
    for (const channel of this.#channels) count += channel.pendingCount;
    return count;
  }

  #onTime(): void {
    const nowMs = this.#deps.nowMs();
    for (const channel of this.#channels) channel.onTime(nowMs);
  }
}
