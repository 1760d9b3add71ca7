// pure
/**
 * The heart of one shard thread: takes datagrams and mail, answers, keeps the balancers of its modules, and collects what goes
 * to the reporter. It has no socket, no timer and no clock of its own; the thread around it (shard-thread.ts) lends them.
 */
import {
  type BatchReportRequest,
  decodeBody,
  type GetHostRequest,
  type GetRouteRequest,
  HEADER_BYTES,
  type HostInfo,
  hostKey,
  LarsProtocolError,
  MAX_DATAGRAM_BYTES,
  MessageId,
  type ReportRequest,
  readInt32,
} from '@lars/proto';
import type { CounterBank } from '@lars/runtime/counters';
import type { Logger } from '@lars/runtime/log';
import type { ModuleBalancerFactory } from '../balancer/algorithm.ts';
import { type ShardCounter, shardCounters } from '../counters.ts';
import type { MailToShard, ModuleId, RouteNews, StatusReport } from '../threads/messages.ts';
import type { PeerRef } from '../udp/transport.ts';
import { CallReports } from './call-reports.ts';
import { explainModule, type ModuleExplanation } from './explain-module.ts';
import { type Asker, Forwarding, type ForwardingPorts, type ForwardsUnderWay } from './forwarding.ts';
import { HostAnswers } from './host-answers.ts';
import { HostCensus } from './host-census.ts';
import { HotPath, NOT_HERE } from './hot-path.ts';
import { ModuleTable, type ModuleTableLimits, type ServingModule } from './module-table.ts';
import { ReadAhead } from './read-ahead.ts';
import { emptyRouteAnswer, routeAnswer } from './route-answer.ts';
import { type OnTransition, ServedModule } from './served-module.ts';
import { TransitionLog } from './transition-log.ts';

const count = shardCounters.at;
const NO_HOST = { ip: 0, port: 0, addr: '' } as const;

export interface ShardOptions extends ModuleTableLimits {
  /** Which of the three shards this is. */
  readonly index: number;
  readonly forwardsUnderWay: ForwardsUnderWay;
  readonly newBalancer: ModuleBalancerFactory;
  /** A route older than this is asked for again at its next use. */
  readonly updateTimeoutMs: number;
  /** A module's counted calls go to the reporter this long after the first of them. */
  readonly reportTimeoutMs: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  readonly counters: CounterBank<ShardCounter>;
}

/** What a shard asks of the world. */
export interface ShardPorts extends ForwardingPorts {
  /** Asks dnsserver for the module's route; `version` is what is held, 0 = nothing. Somebody waits for it. */
  pull(module: ModuleId, version: number): void;
  /** The same where nobody waits: the route that is held has aged. */
  refresh(module: ModuleId, version: number): void;
  status(report: StatusReport): void;
}

type HeldRequest =
  | { readonly kind: 'getHost'; readonly asker: Asker; readonly request: GetHostRequest }
  | { readonly kind: 'getRoute'; readonly asker: Asker; readonly request: GetRouteRequest };

export class Shard {
  readonly #options: ShardOptions;
  readonly #ports: ShardPorts;
  readonly #counters: ShardOptions['counters'];
  readonly #forwarding: Forwarding;
  readonly #modules: ModuleTable<HeldRequest>;
  readonly #answers: HostAnswers;
  readonly #reports: CallReports;
  readonly #hotPath: HotPath;
  /** Where datagrams come many at a time, it is told of them first. */
  readonly readAhead: ReadAhead;
  readonly #transitions: TransitionLog;
  readonly census = new HostCensus();
  #mayHold = true;

  constructor(options: ShardOptions, ports: ShardPorts) {
    this.#options = options;
    this.#ports = ports;
    this.#counters = options.counters;
    this.#forwarding = new Forwarding(options.index, options.forwardsUnderWay, ports, options.counters);
    this.#modules = new ModuleTable(options);
    this.#answers = new HostAnswers(options.counters);
    this.#reports = new CallReports(options.reportTimeoutMs, options.counters, report => ports.status(report));
    const onAged = (module: ServingModule, nowMs: number) => this.#refreshIfStale(module, nowMs);
    this.#hotPath = new HotPath(this.#modules, this.#answers, this.#reports, onAged, options.counters);
    this.readAhead = new ReadAhead(this.#modules);
    this.#transitions = new TransitionLog(options.log, options.counters);
  }

  get modules(): ModuleTable<unknown> {
    return this.#modules;
  }

  /** A DatagramHandler but for the time: writes the answer at `replyStart`, returns its length, 0 = no answer (now). */
  handleDatagram(
    bytes: Uint8Array,
    start: number,
    end: number,
    reply: Uint8Array,
    replyStart: number,
    peer: PeerRef,
    nowMs: number,
  ): number {
    const length = this.#hotPath.handle(bytes, start, end, reply, replyStart, nowMs);
    if (length !== NOT_HERE) return length;
    const answer = this.#handle(bytes.subarray(start, end), { receiver: undefined, peer }, nowMs);
    if (answer === undefined) return 0;
    reply.set(answer, replyStart);
    return answer.length;
  }

  handleMail(mail: MailToShard, nowMs: number, unixMs: number): void {
    switch (mail.type) {
      case 'routes':
        for (const route of mail.routes) this.#onRoute(route, nowMs, unixMs);
        return;
      case 'forwarded': {
        const asker = { receiver: mail.receiver, peer: mail.peer };
        this.#forwarding.arrived();
        const answer = this.#handle(mail.datagram, asker, nowMs);
        if (answer !== undefined) this.#forwarding.answer(asker, answer);
        return;
      }
      case 'forwarded-reply':
        this.#ports.reply(mail.reply, mail.peer);
    }
  }

  /** Answers the requests whose wait is over: NOEXIST, or a route without hosts. */
  expireWaits(nowMs: number): void {
    for (const asking of this.#modules.expire(nowMs)) this.#answerHeld(asking.held, undefined, nowMs);
  }

  /** The end is near: nothing waits any more, and what comes yet is answered at once. */
  endWaits(): void {
    this.#mayHold = false;
    this.expireWaits(Number.POSITIVE_INFINITY);
  }

  /** When expireWaits has something to do; undefined while nothing waits. */
  nextDeadlineMs(): number | undefined {
    return this.#modules.nextDeadlineMs();
  }

  /** Call about once a second: hands the counts of every module whose period is over to the reporter. */
  reportDue(nowMs: number, unixMs: number): void {
    this.#transitions.refill();
    this.#reports.takeDue(nowMs, unixMs);
  }

  /** Hands all counts to the reporter, for the last time. */
  reportAll(unixMs: number): void {
    this.#reports.takeAll(unixMs);
  }

  /** The thread that asks dnsserver is a new one: it must learn what this shard holds, and what it waits for. */
  pullAll(): void {
    for (const module of this.#modules.allServing()) this.#pull(module, module.version);
    for (const module of this.#modules.allAsking()) this.#pull(module, 0);
  }

  /** What is known of a module and its hosts, for people. */
  explain(id: ModuleId, nowMs: number): ModuleExplanation {
    return explainModule(id, this.#modules.serving(id.modid, id.cmdid), this.#modules.isAbsent(id.modid, id.cmdid, nowMs), nowMs);
  }

  #handle(datagram: Uint8Array, asker: Asker, nowMs: number): Uint8Array | undefined {
    if (datagram.length < HEADER_BYTES || readInt32(datagram, 4) !== datagram.length - HEADER_BYTES) {
      this.#counters.add(count.badLength);
      return undefined;
    }
    const body = datagram.subarray(HEADER_BYTES);
    try {
      switch (readInt32(datagram, 0)) {
        case MessageId.GetHostRequest:
          return this.#getHost(decodeBody(MessageId.GetHostRequest, body), datagram, asker, nowMs);
        case MessageId.ReportRequest:
          this.#report(decodeBody(MessageId.ReportRequest, body), datagram, asker, nowMs);
          return undefined;
        case MessageId.ApiGetRouteRequest:
          return this.#getRoute(decodeBody(MessageId.ApiGetRouteRequest, body), datagram, asker, nowMs);
        case MessageId.BatchReportRequest:
          this.#reportBatch(decodeBody(MessageId.BatchReportRequest, body), datagram, asker, nowMs);
          return undefined;
        default:
          this.#counters.add(count.badMessageId);
          return undefined;
      }
    } catch (error) {
      if (!(error instanceof LarsProtocolError)) throw error;
      this.#counters.add(count.badBody);
      return undefined;
    }
  }

  #getHost(request: GetHostRequest, datagram: Uint8Array, asker: Asker, nowMs: number): Uint8Array | undefined {
    const module = this.#modules.serving(request.modid, request.cmdid);
    if (module !== undefined) {
      this.#counters.add(count.getHost);
      return this.#pick(module, request, nowMs);
    }
    if (this.#forwarding.forward(request, datagram, asker)) return undefined;
    this.#counters.add(count.getHost);
    const held = this.#hold({ kind: 'getHost', asker, request }, nowMs);
    return held ? undefined : this.#answers.frame(undefined, request, nowMs);
  }

  #getRoute(request: GetRouteRequest, datagram: Uint8Array, asker: Asker, nowMs: number): Uint8Array | undefined {
    if (this.#forwarding.forward(request, datagram, asker)) return undefined;
    this.#counters.add(count.getRoute);
    const module = this.#modules.serving(request.modid, request.cmdid);
    if (module !== undefined) return this.#route(module, request, nowMs);
    const held = this.#hold({ kind: 'getRoute', asker, request }, nowMs);
    return held ? undefined : emptyRouteAnswer(request);
  }

  #report(request: ReportRequest, datagram: Uint8Array, asker: Asker, nowMs: number): void {
    if (this.#forwarding.forward(request, datagram, asker)) return;
    const { modid, cmdid, host, retcode, tcost } = request;
    this.#reports.addCall(this.#modules.serving(modid, cmdid), hostKey(host ?? NO_HOST), retcode, tcost, nowMs);
  }

  #reportBatch(request: BatchReportRequest, datagram: Uint8Array, asker: Asker, nowMs: number): void {
    if (this.#forwarding.forward(request, datagram, asker)) return;
    this.#reports.addBatch(this.#modules.serving(request.modid, request.cmdid), request, nowMs);
  }

  /** @returns false when the request must be answered now, because the module is absent or too many requests wait */
  #hold(held: HeldRequest, nowMs: number): boolean {
    const { modid, cmdid } = held.request;
    if (!this.#mayHold || this.#modules.isAbsent(modid, cmdid, nowMs)) return false;
    const outcome = this.#modules.hold(modid, cmdid, held, nowMs);
    if (outcome.ask) this.#pull(held.request, 0);
    this.#counters.add(outcome.held ? count.held : count.heldRefused);
    return outcome.held;
  }

  #pull(id: ModuleId, version: number): void {
    this.#counters.add(count.pulls);
    this.#ports.pull(id, version);
  }

  #onRoute(route: RouteNews, nowMs: number, unixMs: number): void {
    const { modid, cmdid, hosts, version } = route;
    this.#counters.add(count.routeChanges);
    const module = this.#modules.serving(modid, cmdid);
    // The counts of hosts that leave the route go to the reporter before they are forgotten.
    if (module !== undefined) this.#reports.take(module, unixMs);
    this.census.add(-(module?.balancer.hostCount ?? 0));
    if (hosts.length === 0) {
      if (module !== undefined) this.census.forget(module);
      this.#answerHeld(this.#modules.markAbsent(modid, cmdid, nowMs), undefined, nowMs);
      return;
    }
    const serving = module ?? this.#newModule(route);
    serving.version = version;
    this.#keepUntilNextRefresh(serving, nowMs);
    serving.balancer.setHosts(hosts.map(inOneObject), nowMs);
    this.census.add(serving.balancer.hostCount);
    this.census.look(serving);
    this.#answerHeld(this.#modules.serve(serving), serving, nowMs);
  }

  #newModule(id: ModuleId): ServingModule {
    const { newBalancer, random } = this.#options;
    return new ServedModule(id, newBalancer, random, this.#onTransition);
  }

  readonly #onTransition: OnTransition = (module, transition) => {
    this.census.look(module);
    this.#transitions.add(module, transition);
  };

  #answerHeld(requests: readonly HeldRequest[], module: ServingModule | undefined, nowMs: number): void {
    for (const held of requests) this.#forwarding.answer(held.asker, this.#answerOne(held, module, nowMs));
  }

  #answerOne(held: HeldRequest, module: ServingModule | undefined, nowMs: number): Uint8Array {
    if (held.kind === 'getHost')
      return module === undefined ? this.#answers.frame(undefined, held.request, nowMs) : this.#pick(module, held.request, nowMs);
    return module === undefined ? emptyRouteAnswer(held.request) : this.#route(module, held.request, nowMs);
  }

  #pick(module: ServingModule, request: GetHostRequest, nowMs: number): Uint8Array {
    this.#refreshIfStale(module, nowMs);
    return this.#answers.frame(module.balancer, request, nowMs);
  }

  #route(module: ServingModule, request: GetRouteRequest, nowMs: number): Uint8Array {
    this.#refreshIfStale(module, nowMs);
    const { frame, truncated } = routeAnswer(module, request, MAX_DATAGRAM_BYTES, nowMs);
    if (truncated) this.#counters.add(count.routeTruncated);
    return frame;
  }

  #refreshIfStale(module: ServingModule, nowMs: number): void {
    if (nowMs < module.refreshAtMs) return;
    this.#keepUntilNextRefresh(module, nowMs);
    this.#counters.add(count.pulls);
    this.#ports.refresh(module, module.version);
  }

  #keepUntilNextRefresh(module: ServingModule, nowMs: number): void {
    module.refreshAtMs = Math.ceil(nowMs + this.#options.updateTimeoutMs);
  }
}

/** What was cloned on its way between threads has its last properties in a second object: V8 gives clones room for four. */
function inOneObject({ ip, port, weight, addr, zone, drain }: HostInfo): HostInfo {
  return { ip, port, weight, addr, zone, drain };
}
