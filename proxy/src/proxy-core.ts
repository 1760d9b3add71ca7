/** What one thread of the proxy does: it listens, and serves each connection that it accepts. */
import { type LarsApi, LarsClient } from '@lars/client-sdk';
import { parseIpv4 } from '@lars/proto';
import {
  type Connection,
  createEngine,
  type Engine,
  type EngineKind,
  type Listener,
  RELAY_ENGINES,
  type ResourceLedger,
} from '@lars/reactor';
import type { Clock } from '@lars/runtime/clock';
import type { SharedCounters } from '@lars/runtime/counters';
import { formatPlace, type ListenPlace } from '@lars/runtime/listen-place';
import type { Logger } from '@lars/runtime/log';
import { isInNetwork, parseNetworks } from '@lars/runtime/udp/networks';
import { AgentWatch } from './agent-watch.ts';
import { FirstByteWatch } from './connect/first-byte-watch.ts';
import { HostConnector } from './connect/host-connector.ts';
import { NameResolver } from './connect/name-resolver.ts';
import type { ConnectionLimits, ConnectionsMax } from './connection-limits.ts';
import { ConnectionLog } from './connection-log.ts';
import { type ProxyCounter, type ProxyGauge, proxyCounters, proxyGauges } from './counters.ts';
import { FirstLook } from './listen/first-look.ts';
import type { ListenerRules } from './listen/listener-rules.ts';
import type { ListeningDescriptor } from './listen/listening-sockets.ts';
import { ACCEPTED_SOCKETS, openListener } from './listen/open-listener.ts';
import { HostPicker } from './pick/host-picker.ts';
import { HostTable } from './pick/host-table.ts';
import { RouteBook } from './pick/route-book.ts';
import { PlacedList } from './placed-list.ts';
import { type ListenerDuty, ProxiedConnection, type ProxiedConnectionDeps } from './proxied-connection.ts';

/** Plain data: a thread is given it. */
export interface CoreOptions {
  readonly rules: readonly ListenerRules[];
  /** Where to listen instead, for each of `rules`: with the ports that were picked for all threads. */
  readonly places?: readonly ListenPlace[];
  readonly engine: EngineKind | 'auto';
  /** It opens what it listens to itself, as node:net must; otherwise it is given descriptors (`serve`). */
  readonly opensListeners: boolean;
  /** Other threads listen on the same ports. */
  readonly reusePort: boolean;
  /** The first of the threads, which does what one of them must: it asks for all modules, and listens on paths, which node:net cannot share. */
  readonly isFirst: boolean;
  readonly agent: AgentPlace;
  /** Of the whole process. */
  readonly maxConnections: number;
  /** Of this thread; 0 = any number. */
  readonly maxHostConnections: number;
  readonly failCoolDownMs: number;
  readonly logLinesPerSecond: number;
}

export interface AgentPlace {
  readonly host: string;
  readonly ports: number | readonly number[];
  readonly routesFile?: string;
  readonly zone?: string;
}

export interface CoreDeps {
  readonly log: Logger;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly counters: SharedCounters<ProxyCounter>;
  readonly gauges: SharedCounters<ProxyGauge>;
  readonly limits: ConnectionLimits;
  /** Where the engine says what it has, if others are to close it after this thread. */
  readonly ledger?: ResourceLedger;
  /** Instead of one that is made as the options say. It is closed at the end. */
  readonly engine?: Engine;
  /** Instead of a client of the agent that the options name. It is closed at the end. */
  readonly lars?: LarsApi;
  /** Instead of the system's resolver. */
  readonly lookup?: (name: string) => Promise<string>;
}

/** How a host is, by the connections of one thread. */
export interface HostStatus {
  readonly host: string;
  readonly connections: number;
  readonly connected: number;
  readonly failed: number;
  /** It failed a moment ago, and is left out where the agent does not pick. */
  readonly isCooling: boolean;
}

export interface CoreStatus {
  readonly engine: { readonly kind: EngineKind; readonly reason: string };
  readonly hosts: readonly HostStatus[];
}

const GAUGE_MS = 250;
const LIMIT_WARNING_MS = 10_000;
/** Time for what was reset at the end of a drain to be closed. */
const CUT_MS = 500;

/**
 * Opens everything; resolves when connections are accepted.
 * @throws {StartupError} naming the place that cannot be opened
 */
export async function startCore(options: CoreOptions, deps: CoreDeps): Promise<ProxyCore> {
  const kind = options.engine === 'auto' ? RELAY_ENGINES : options.engine;
  const { log, clock, ledger } = deps;
  const engineDeps = { log, nowMs: () => clock.monotonicMs(), ...(ledger === undefined ? {} : { ledger }) };
  const engine = deps.engine ?? (await createEngine({ kind }, engineDeps));
  const core = new ProxyCore(options, deps, engine);
  try {
    await core.listen();
  } catch (error) {
    await core.stop(0);
    throw error;
  }
  return core;
}

export class ProxyCore {
  readonly #options: CoreOptions;
  readonly #deps: CoreDeps;
  readonly #engine: Engine;
  readonly #lars: LarsApi;
  readonly #agent: AgentWatch | undefined;
  readonly #hosts: HostTable;
  readonly #duties: readonly ListenerDuty[];
  readonly #connectionDeps: ProxiedConnectionDeps;
  /** By the place of their rules, or by the number of the socket, where that was given. */
  readonly #listeners = new Map<number, Listener>();
  readonly #connections = new PlacedList<ProxiedConnection>();
  readonly #gaugeTimer: NodeJS.Timeout;
  #onEmpty: (() => void) | undefined;
  #limitDrain: ((ms: number) => void) | undefined;
  #nextLimitWarningMs = Number.NEGATIVE_INFINITY;
  #stopping: Promise<void> | undefined;

  constructor(options: CoreOptions, deps: CoreDeps, engine: Engine) {
    const { counters, log } = deps;
    const nowMs = () => deps.clock.monotonicMs();
    this.#options = options;
    this.#deps = deps;
    this.#engine = engine;
    const { host, ports } = options.agent;
    const client = deps.lars === undefined ? new LarsClient(options.agent) : undefined;
    this.#agent = client === undefined ? undefined : new AgentWatch(`${host}:${ports}`, { client, log });
    this.#lars = deps.lars ?? (client as LarsClient);
    this.#hosts = new HostTable({ maxConnections: options.maxHostConnections, failCoolDownMs: options.failCoolDownMs });
    const routes = new RouteBook({ lars: this.#lars, hosts: this.#hosts, nowMs });
    const pickerDeps = { lars: this.#lars, hosts: this.#hosts, routes, nowMs };
    this.#duties = options.rules.map((rules, listener) => ({
      listener,
      rules,
      picker: new HostPicker(rules.policy, pickerDeps),
      relayOptions: { idleTimeoutMs: rules.idleTimeoutMs, halfCloseTimeoutMs: rules.halfCloseTimeoutMs },
      firstLook: new FirstLook(),
      wantsHeader: headerRule(rules),
    }));
    const names = new NameResolver({ nowMs, ...(deps.lookup === undefined ? {} : { lookup: deps.lookup }) });
    this.#connectionDeps = {
      engine,
      connector: new HostConnector({ engine, lars: this.#lars, hosts: this.#hosts, names, counters, nowMs }),
      firstBytes: new FirstByteWatch({ after: (ms, callback) => engine.after(ms, callback), nowMs }),
      counters,
      connectionLog: new ConnectionLog(
        { linesPerSecond: options.logLinesPerSecond },
        { log, nowMs, onUnlogged: () => counters.add(proxyCounters.at.unlogged) },
      ),
      log,
      nowMs,
      onOver: connection => this.#onOver(connection),
    };
    this.#gaugeTimer = setInterval(() => this.#updateGauges(), GAUGE_MS);
    this.#gaugeTimer.unref();
  }

  /** Where it listens, for each of the options' rules; '' where another thread does. */
  get places(): readonly string[] {
    return this.#options.rules.map(({ place }, at) => {
      const listener = this.#listeners.get(at);
      if (listener === undefined) return '';
      return formatPlace('path' in place ? place : listener.address);
    });
  }

  /** How many connections of clients there are. */
  get connections(): number {
    return this.#connections.size;
  }

  async listen(): Promise<void> {
    const { rules, places, opensListeners, reusePort, isFirst } = this.#options;
    for (const [at, one] of rules.entries()) {
      if (!opensListeners || ('path' in one.place && !isFirst)) continue;
      this.#listeners.set(at, await openListener(this.#engine, one, { place: places?.[at], reusePort }, this.#acceptorOf(at)));
    }
    // One thread asks for all.
    if (isFirst) void this.#agent?.askForModules(rules, () => this.#stopping !== undefined);
  }

  /** Accepts from these, which are this core's from now on. */
  async serve(descriptors: readonly ListeningDescriptor[]): Promise<void> {
    for (const { socket, listener, fd } of descriptors)
      this.#listeners.set(socket, await this.#engine.listen({ ...ACCEPTED_SOCKETS, fd }, this.#acceptorOf(listener)));
  }

  /** Accepts no more from these sockets, whose queues are somebody else's now. @returns the descriptors, which are the caller's */
  leave(sockets: readonly number[]): readonly number[] {
    return sockets.flatMap(socket => {
      const listener = this.#listeners.get(socket);
      this.#listeners.delete(socket);
      return listener?.detach() ?? [];
    });
  }

  status(): CoreStatus {
    this.#updateGauges();
    const nowMs = this.#deps.clock.monotonicMs();
    const { kind, reason } = this.#engine;
    return {
      engine: { kind, reason },
      hosts: Array.from(this.#hosts.states, ({ authority, connections, connected, failed, coolUntilMs }) => ({
        host: authority,
        connections,
        connected,
        failed,
        isCooling: coolUntilMs > nowMs,
      })),
    };
  }

  /** Accepts nothing new, and gives the open connections so long to end; then they are reset. A second call returns the same promise. */
  stop(drainMs: number): Promise<void> {
    this.#stopping ??= this.#stop(drainMs);
    return this.#stopping;
  }

  /** The open connections have so long from now on, where that is less than what they have left. */
  limitDrain(ms: number): void {
    this.#limitDrain?.(ms);
  }

  async #stop(drainMs: number): Promise<void> {
    await Promise.all(Array.from(this.#listeners.values(), listener => listener.close()));
    await this.#untilEmpty(drainMs);
    if (this.#connections.size > 0)
      this.#deps.log.warn('the time to end is over: connections are reset', { connections: this.#connections.size });
    for (const connection of this.#connections) connection.cut('cut');
    await this.#untilEmpty(CUT_MS);
    clearInterval(this.#gaugeTimer);
    await this.#lars.close();
    await this.#closeEngine();
    this.#updateGauges();
  }

  /** node:net never tells of the end of a socket that was reset while its own end was on the way. */
  async #closeEngine(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, CUT_MS);
    await Promise.race([this.#engine.close(), promise]);
    clearTimeout(timer);
  }

  /** Resolves when no connection is left, or when the time is over. */
  async #untilEmpty(ms: number): Promise<void> {
    if (this.#connections.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onEmpty = resolve;
    let timer = setTimeout(resolve, ms);
    const endMs = this.#deps.clock.monotonicMs() + ms;
    this.#limitDrain = lessMs => {
      if (this.#deps.clock.monotonicMs() + lessMs >= endMs) return;
      clearTimeout(timer);
      timer = setTimeout(resolve, lessMs);
    };
    await promise;
    this.#limitDrain = undefined;
    clearTimeout(timer);
  }

  #acceptorOf(listener: number): (client: Connection) => void {
    const duty = this.#duties[listener] as ListenerDuty;
    const max = { total: this.#options.maxConnections, listener: duty.rules.maxConnections };
    return client => this.#accept(client, duty, max);
  }

  #accept(client: Connection, duty: ListenerDuty, max: ConnectionsMax): void {
    const { counters, limits } = this.#deps;
    counters.add(proxyCounters.at.accepted);
    const full = limits.acquire(duty.listener, max);
    if (full !== undefined) {
      counters.add(full === 'total' ? proxyCounters.at.refusedTotalLimit : proxyCounters.at.refusedListenerLimit);
      client.reset();
      this.#warnOfLimit(
        full === 'total' ? '[proxy] max_connections' : 'max_connections of the listener',
        duty.rules.name,
        max[full],
      );
      return;
    }
    const connection = new ProxiedConnection(client, duty, this.#connectionDeps);
    this.#connections.add(connection);
    connection.serve();
  }

  #onOver(connection: ProxiedConnection): void {
    if (!this.#connections.delete(connection)) return;
    this.#deps.limits.release(connection.duty.listener);
    if (this.#connections.size === 0) this.#onEmpty?.();
  }

  /** Once in a while: thousands may be refused in a second. */
  #warnOfLimit(limit: string, listener: string, max: number): void {
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs < this.#nextLimitWarningMs) return;
    this.#nextLimitWarningMs = nowMs + LIMIT_WARNING_MS;
    this.#deps.log.warn('connections are refused at a limit', { limit, max, listener });
  }

  #updateGauges(): void {
    const { gauges } = this.#deps;
    let hostConnections = 0;
    for (const { connections } of this.#hosts.states) hostConnections += connections;
    const { relays, acceptPauses } = this.#engine.stats();
    gauges.set(proxyGauges.at.connections, this.#connections.size);
    gauges.set(proxyGauges.at.relays, relays);
    gauges.set(proxyGauges.at.hostConnections, hostConnections);
    gauges.set(proxyGauges.at.agentAway, Number(this.#agent?.look() ?? false));
    gauges.set(proxyGauges.at.acceptPauses, acceptPauses);
  }
}

/** Which clients must begin with a PROXY header. */
function headerRule({ acceptProxy, proxySources }: ListenerRules): (host: string) => boolean {
  if (acceptProxy === 'off') return () => false;
  if (acceptProxy === 'always') return () => true;
  const networks = parseNetworks(proxySources) ?? [];
  return host => {
    const ip = parseIpv4(host);
    return ip !== undefined && networks.some(network => isInNetwork(network, ip));
  };
}
