// pure
/**
 * The heart of one shard thread: hands each datagram to the handler of its message, applies what other threads send, and looks after what
 * must be done in time. It has no socket, no timer and no clock of its own; the thread around it (shard-thread.ts) lends them.
 */
import { HEADER_BYTES, MAX_DATAGRAM_BYTES, MessageId, type ModuleId, readBodyLength, readMessageId } from '@lars/proto';
import type { SharedCounters } from '@lars/runtime/counters';
import type { Logger } from '@lars/runtime/log';
import type { ModuleBalancerFactory } from '../balancer/algorithm.ts';
import { type ShardCounter, shardCounters } from '../counters.ts';
import { unpackRouteQueries } from '../threads/batches.ts';
import type { ShardMessage, ShardName, StatusReport } from '../threads/messages.ts';
import type { CallerRef } from '../udp/transport.ts';
import { CachePrefetcher } from './cache-prefetcher.ts';
import { explainModule, type ModuleExplanation } from './explain-module.ts';
import { Forwarding, type ForwardingDeps, type ForwardsInFlight, type ReplyTo } from './forwarding.ts';
import { GetHostHandler } from './get-host.ts';
import { GetRouteHandler } from './get-route.ts';
import { HostGauges } from './host-gauges.ts';
import { type ListDeps, listModules, type ModuleList } from './list-modules.ts';
import { type HandlerDeps, NOT_HANDLED } from './message-handler.ts';
import { type WatchedModules, watchedModules } from './module-figures.ts';
import { type ActiveModule, ModuleTable, type ModuleTableOptions } from './module-table.ts';
import { ModuleTotals } from './module-totals.ts';
import { OldRoutes } from './old-routes.ts';
import { type ParkedRequest, Parking } from './parking.ts';
import { ReportHandler } from './report.ts';
import { type FetchRoute, RouteFetcher, type RouteFetcherOptions } from './route-fetcher.ts';
import { RouteUpdates } from './route-updates.ts';
import { SimulatedPicks } from './simulated-picks.ts';
import { TransitionLog } from './transition-log.ts';

const count = shardCounters.at;

export interface ShardOptions extends ModuleTableOptions, RouteFetcherOptions {
  /** Which of the three shards this is. */
  readonly index: number;
  /** A module's call results go to the reporter this long after the first of them. */
  readonly reportTimeoutMs: number;
  /** How many of the busiest modules the metrics show; 0: none, nor those in trouble. */
  readonly topModules: number;
}

/** What a shard needs of the world. */
export interface ShardDeps extends ForwardingDeps {
  readonly forwardsInFlight: ForwardsInFlight;
  readonly newBalancer: ModuleBalancerFactory;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  readonly counters: SharedCounters<ShardCounter>;
  readonly fetchRoute: FetchRoute;
  sendStatus(report: StatusReport): void;
}

export class Shard {
  readonly #deps: ShardDeps;
  readonly #shared: HandlerDeps;
  readonly #getHost: GetHostHandler;
  readonly #getRoute: GetRouteHandler;
  readonly #reports: ReportHandler;
  readonly #routeUpdates: RouteUpdates;
  readonly #transitions: TransitionLog;
  readonly #totals: ModuleTotals | undefined;
  readonly #topModules: number;
  /** A transport that takes many datagrams at a time shows them to it first. */
  readonly prefetcher: CachePrefetcher;
  readonly gauges = new HostGauges();
  readonly oldRoutes = new OldRoutes();

  constructor(options: ShardOptions, deps: ShardDeps) {
    const { counters, newBalancer, random } = deps;
    const modules = new ModuleTable<ParkedRequest>(options);
    const forwarding = new Forwarding(options.index, deps.forwardsInFlight, deps, counters);
    const fetcher = new RouteFetcher(options, deps.fetchRoute, counters);
    const parking = new Parking(modules, fetcher, counters);
    const simulatedPicks = new SimulatedPicks();
    const scratch = new Uint8Array(MAX_DATAGRAM_BYTES);
    const shared = { modules, forwarding, parking, fetcher, counters, simulatedPicks, scratch };
    const totals = options.topModules === 0 ? undefined : new ModuleTotals();
    const reports = new ReportHandler(shared, options.reportTimeoutMs, report => deps.sendStatus(report), totals);
    const transitions = new TransitionLog(deps.log, counters);
    const { gauges, oldRoutes } = this;
    const answerParked = this.#answerParked.bind(this);
    this.#deps = deps;
    this.#shared = shared;
    this.#reports = reports;
    this.#transitions = transitions;
    this.#totals = totals;
    this.#topModules = options.topModules;
    this.#getHost = new GetHostHandler(shared);
    this.#getRoute = new GetRouteHandler(shared);
    this.#routeUpdates = new RouteUpdates({
      ...shared,
      reports,
      gauges,
      oldRoutes,
      totals,
      transitions,
      newBalancer,
      random,
      answerParked,
    });
    this.prefetcher = new CachePrefetcher(modules);
  }

  get modules(): ModuleTable<unknown> {
    return this.#shared.modules;
  }

  /**
   * Handles the datagram bytes[start, end), which came to this shard's socket, or to that of `receiver`, which forwarded it. A message that
   * comes often has a fast form, in place, which is tried first; each has a general form.
   * @returns the length of an answer written at `replyStart`; 0 where there is none, or it leaves later or in another way
   */
  handleDatagram(
    bytes: Uint8Array,
    start: number,
    end: number,
    reply: Uint8Array,
    replyStart: number,
    caller: CallerRef,
    nowMs: number,
    receiver?: ShardName,
  ): number {
    if (end - start < HEADER_BYTES || readBodyLength(bytes, start) !== end - start - HEADER_BYTES) {
      this.#shared.counters.add(count.badLength);
      return 0;
    }
    switch (readMessageId(bytes, start)) {
      case MessageId.GetHostRequest: {
        const length = this.#getHost.handleInPlace(bytes, start, end, reply, replyStart, nowMs);
        if (length !== NOT_HANDLED) return length;
        const replyTo = { receiver, caller };
        return this.#deliver(this.#getHost.handle(bytes.subarray(start, end), replyTo, nowMs), reply, replyStart, replyTo);
      }
      case MessageId.ReportRequest: {
        if (this.#reports.handleInPlace(bytes, start, end, nowMs)) return 0;
        this.#reports.handle(bytes.subarray(start, end), { receiver, caller }, nowMs);
        return 0;
      }
      case MessageId.ApiGetRouteRequest: {
        const replyTo = { receiver, caller };
        return this.#deliver(this.#getRoute.handle(bytes.subarray(start, end), replyTo, nowMs), reply, replyStart, replyTo);
      }
      case MessageId.BatchReportRequest:
        this.#reports.handleBatch(bytes.subarray(start, end), { receiver, caller }, nowMs);
        return 0;
      default:
        this.#shared.counters.add(count.badMessageId);
        return 0;
    }
  }

  handleMessage(message: ShardMessage, nowMs: number, unixMs: number): void {
    switch (message.type) {
      case 'route-updates':
        for (const update of message.updates) this.#routeUpdates.apply(update, nowMs, unixMs);
        return;
      case 'routes-awaited':
        unpackRouteQueries(message.modules, ({ modid, cmdid }) => this.#shared.modules.beginWait(modid, cmdid, nowMs));
        return;
      case 'forwarded':
        this.#handleForwarded(message.datagram, message.receiver, message.caller, nowMs);
        return;
      case 'forwarded-reply':
        this.#deps.sendReply(message.reply, message.caller);
    }
  }

  /** Answers the requests whose wait is over: NOEXIST, or a route without hosts. */
  expireWaits(nowMs: number): void {
    for (const { parked } of this.#shared.modules.expirePending(nowMs)) this.#answerParked(parked, undefined, nowMs);
  }

  /** The shard is stopping: answers all parked requests, and parks none from now on. */
  releaseAllParked(nowMs: number): void {
    this.#shared.parking.close();
    for (const { parked } of this.#shared.modules.releasePending()) this.#answerParked(parked, undefined, nowMs);
  }

  /** When expireWaits has something to do; undefined while no wait has begun. */
  nextDeadlineMs(): number | undefined {
    return this.#shared.modules.nextDeadlineMs();
  }

  /** Call about once a second: sends the status report of each module whose period is over, and gives the log a new allowance of lines. */
  flushDue(nowMs: number, unixMs: number): void {
    this.#transitions.refill();
    this.#reports.flushDue(nowMs, unixMs);
  }

  /** Sends all status reports, for the last time. */
  flushAll(nowMs: number, unixMs: number): void {
    this.#reports.flushAll(nowMs, unixMs);
  }

  /** The dns thread is a new one: it must learn which routes this shard knows, and which ones it waits for. */
  refetchRoutes(): void {
    const { modules, fetcher } = this.#shared;
    for (const module of modules.allActive()) fetcher.fetchNow(module, module.version);
    for (const module of modules.allPending()) fetcher.fetchNow(module, 0);
  }

  /** What is known of a module and its hosts, for people. */
  explain({ modid, cmdid }: ModuleId, nowMs: number, unixMs: number): ModuleExplanation {
    const { modules, simulatedPicks } = this.#shared;
    const module = modules.findActive(modid, cmdid);
    const isAbsent = modules.isAbsent(modid, cmdid, nowMs);
    const explanation = explainModule({ modid, cmdid }, module, isAbsent, simulatedPicks, nowMs);
    const oldRouteSeconds = module === undefined ? undefined : this.oldRoutes.ageSeconds(module, unixMs);
    return oldRouteSeconds === undefined ? explanation : { ...explanation, oldRouteSeconds };
  }

  /** The busiest modules and those in trouble; undefined where none are to be shown. */
  watchedModules(nowMs: number): WatchedModules | undefined {
    if (this.#totals === undefined) return undefined;
    return watchedModules(this.#totals, this.gauges, this.#topModules, nowMs);
  }

  /** Which modules there are to look at, for people. @param max see listModules */
  list(max: number, deps: ListDeps): Promise<ModuleList> {
    const isErring = (module: ActiveModule, nowMs: number) => this.#totals?.of(module)?.isErring(nowMs) ?? false;
    return listModules(this.#shared.modules.allActive(), max, { ...deps, isErring });
  }

  /** Writes the answer of a general form where the transport sends it from, or sends it back to the shard that forwarded the request. */
  #deliver(answer: Uint8Array | undefined, reply: Uint8Array, replyStart: number, replyTo: ReplyTo): number {
    if (answer === undefined) return 0;
    if (replyTo.receiver !== undefined) {
      this.#shared.forwarding.sendAnswer(replyTo, answer);
      return 0;
    }
    reply.set(answer, replyStart);
    return answer.length;
  }

  #handleForwarded(datagram: Uint8Array, receiver: ShardName, caller: CallerRef, nowMs: number): void {
    const { forwarding, scratch } = this.#shared;
    forwarding.countArrival();
    const length = this.handleDatagram(datagram, 0, datagram.length, scratch, 0, caller, nowMs, receiver);
    if (length > 0) forwarding.sendAnswer({ receiver, caller }, scratch.slice(0, length));
  }

  #answerParked(requests: readonly ParkedRequest[], module: ActiveModule | undefined, nowMs: number): void {
    for (const parked of requests) {
      const answer =
        parked.kind === 'getHost'
          ? this.#getHost.answer(module, parked.request, nowMs)
          : this.#getRoute.answer(module, parked.request, nowMs);
      this.#shared.forwarding.sendAnswer(parked.replyTo, answer);
    }
  }
}
