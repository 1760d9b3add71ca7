import type { ModuleId } from '@lars/proto';
import { formatModule } from '@lars/proto';
import type { Address, Connection, Engine, EngineTimer, Relay, RelayResult } from '@lars/reactor';
import type { SharedCounters } from '@lars/runtime/counters';
import { messageOf } from '@lars/runtime/errors';
import type { LogFields, Logger } from '@lars/runtime/log';
import type { FirstByteWatch } from './connect/first-byte-watch.ts';
import type { HostAttempt } from './connect/host-attempt.ts';
import type { HostConnector } from './connect/host-connector.ts';
import type { ConnectionLog } from './connection-log.ts';
import { type ProxyCounter, proxyCounters } from './counters.ts';
import { ClientIntake } from './listen/client-intake.ts';
import type { ListenerRules } from './listen/listener-rules.ts';
import { moduleOfServerName } from './listen/server-names.ts';
import type { HostPicker } from './pick/host-picker.ts';
import { findServerName, HELLO_MAX_BYTES } from './wire/client-hello.ts';
import { type Ends, formatProxyHeader, HEADER_MAX_BYTES, parseProxyHeader, unmapped } from './wire/proxy-header.ts';

/** A listener at work. */
export interface ListenerDuty {
  readonly rules: ListenerRules;
  readonly picker: HostPicker;
  /** Whether a client of this address must begin with a PROXY header. */
  wantsHeader(host: string): boolean;
}

export interface ProxiedConnectionDeps {
  readonly engine: Engine;
  readonly connector: HostConnector;
  readonly firstBytes: FirstByteWatch;
  readonly counters: SharedCounters<ProxyCounter>;
  readonly connectionLog: ConnectionLog;
  readonly log: Logger;
  /** Monotonic. */
  readonly nowMs: () => number;
  /** Called once, when nothing of the connection is left. */
  readonly onOver: (connection: ProxiedConnection) => void;
}

/** A connection that came to no host: the counter of the reason, and a text for people. */
interface Refused {
  readonly kind: 'refused';
  readonly why: ProxyCounter;
  readonly problem: string;
}

/** Where a connection goes, and what of it has been read for that. */
interface Destination {
  readonly kind: 'module';
  readonly module: ModuleId;
  readonly ends: Ends | undefined;
}

type Cut = 'lifetimeTimeouts' | 'cut';

const at = proxyCounters.at;

/**
 * One connection of a client, from its acceptance to its end: a PROXY header and a server name are read where the listener wants that, a host is connected to, and bytes
 * flow both ways until both sides have closed.
 */
export class ProxiedConnection {
  readonly #client: Connection;
  readonly #duty: ListenerDuty;
  readonly #deps: ProxiedConnectionDeps;
  readonly #intake: ClientIntake;
  readonly #startMs: number;
  #lifetime: EngineTimer | undefined;
  #relay: Relay | undefined;
  #cut: Cut | undefined;
  /** For the log. */
  #clientName = '';
  #module: ModuleId | undefined;
  #tries = 0;

  constructor(client: Connection, duty: ListenerDuty, deps: ProxiedConnectionDeps) {
    this.#client = client;
    this.#duty = duty;
    this.#deps = deps;
    this.#startMs = deps.nowMs();
    this.#intake = new ClientIntake(client, deps.engine);
    const { lifetimeMs } = duty.rules;
    if (lifetimeMs > 0) this.#lifetime = deps.engine.after(lifetimeMs, () => this.cut('lifetimeTimeouts'));
  }

  get isRelayed(): boolean {
    return this.#relay !== undefined;
  }

  /** Never rejects: what this class has not thought of ends the one connection, with a line in the log. */
  async serve(): Promise<void> {
    try {
      await this.#serve();
    } catch (error) {
      this.#deps.log.error('a connection ended by an error of the proxy', { error: (error as Error).stack ?? messageOf(error) });
      this.#client.reset();
      this.#over();
    }
  }

  /** Resets both sides, for a reason that is not theirs. */
  cut(why: Cut): void {
    this.#cut ??= why;
    if (this.#relay === undefined) this.#client.reset();
    else this.#relay.stop();
  }

  async #serve(): Promise<void> {
    const destination = await this.#destination();
    if (destination.kind === 'refused') {
      this.#refuse(destination);
      return;
    }
    const { module, ends } = destination;
    this.#module = module;
    const { connector, engine } = this.#deps;
    const { rules, picker } = this.#duty;
    const key = ends?.source.host ?? '';
    const outcome = await connector.connect(picker, { module, rules, key, intake: this.#intake });
    this.#tries = outcome.tries;
    if (outcome.kind === 'refused') {
      this.#refuse(outcome);
      return;
    }
    const { attempt, connection } = outcome;
    const early = this.#sendFirst(connection, ends);
    const { idleTimeoutMs, halfCloseTimeoutMs } = rules;
    const relay = engine.relay(this.#client, connection, { idleTimeoutMs, halfCloseTimeoutMs }, result =>
      this.#onRelayed(attempt, result, early),
    );
    this.#relay = relay;
    this.#deps.counters.add(at.relayed);
    this.#deps.firstBytes.add(attempt, relay);
    if (this.#cut !== undefined) relay.stop();
  }

  /** Reads what tells where the connection goes. */
  async #destination(): Promise<Destination | Refused> {
    const { remoteAddress, localAddress } = this.#client;
    if (remoteAddress === undefined || localAddress === undefined) return refused('clientsGone', 'the client has left');
    let ends = endsOf(remoteAddress, localAddress);
    this.#clientName = ends === undefined ? 'unix' : `${ends.source.host}:${ends.source.port}`;
    if (this.#duty.wantsHeader(ends?.source.host ?? '')) {
      const header = await this.#readHeader();
      if (header.kind === 'refused') return header;
      ends = header.ends ?? ends;
      this.#clientName = ends === undefined ? this.#clientName : `${ends.source.host}:${ends.source.port}`;
    }
    const module = await this.#chooseModule();
    return 'kind' in module ? module : { kind: 'module', module, ends };
  }

  async #readHeader(): Promise<{ readonly kind: 'header'; readonly ends: Ends | undefined } | Refused> {
    const isEnough = (bytes: Uint8Array) => parseProxyHeader(bytes).kind !== 'more';
    const end = await this.#intake.collect(isEnough, HEADER_MAX_BYTES, this.#duty.rules.headerTimeoutMs);
    if (end === 'gone') return refused('clientsGone', 'the client has left');
    if (end === 'timeout') return refused('refusedHeaderTimeout', 'the PROXY header was not whole in time');
    if (end === 'ended') return refused('refusedBadHeader', 'the connection ended within the PROXY header');
    const header = parseProxyHeader(this.#intake.bytes);
    if (header.kind !== 'header')
      return refused('refusedBadHeader', header.kind === 'bad' ? header.problem : 'the PROXY header is too long');
    this.#intake.drop(header.length);
    return header;
  }

  async #chooseModule(): Promise<ModuleId | Refused> {
    const { serverNames, module, sniffTimeoutMs } = this.#duty.rules;
    const fallback = module ?? refused('refusedNoRule', 'no module for a connection without a server name');
    if (serverNames.length === 0) return fallback;
    const isEnough = (bytes: Uint8Array) => findServerName(bytes).kind !== 'more';
    const end = await this.#intake.collect(isEnough, HELLO_MAX_BYTES, sniffTimeoutMs);
    if (end === 'gone') return refused('clientsGone', 'the client has left');
    if (end === 'timeout') this.#deps.counters.add(at.sniffTimeouts);
    const hello = findServerName(this.#intake.bytes);
    if (hello.kind !== 'name') return fallback;
    return (
      moduleOfServerName(serverNames, hello.name) ??
      module ??
      refused('refusedNoRule', `no module for the server name ${hello.name}`)
    );
  }

  /** What goes to the host in front of what the relay reads. @returns how many bytes of it are the client's */
  #sendFirst(host: Connection, ends: Ends | undefined): number {
    const { sendProxy } = this.#duty.rules;
    const { bytes } = this.#intake;
    if (sendProxy !== 'off') host.write(formatProxyHeader(sendProxy, ends));
    if (bytes.length > 0) host.write(bytes);
    return bytes.length;
  }

  #refuse({ why, problem }: Omit<Refused, 'kind'>): void {
    this.#client.reset();
    const counter = this.#cut ?? why;
    this.#deps.counters.add(at[counter]);
    this.#log('a connection came to no host', () => ({ why: counter, problem }));
    this.#over();
  }

  #onRelayed(attempt: HostAttempt, result: RelayResult, early: number): void {
    const { counters, firstBytes } = this.#deps;
    const toHost = result.bytesAToB + early;
    const isHostsFault =
      result.by === 'b' && (result.end === 'reset' || result.end === 'network_error') && result.bytesBToA === 0;
    if (isHostsFault) counters.add(at.earlyResets);
    firstBytes.remove(attempt);
    attempt.settle(!isHostsFault);
    attempt.release();
    const end = this.#cut ?? endCounter(result);
    counters.add(at[end]);
    counters.add(at.bytesToHosts, toHost);
    counters.add(at.bytesToClients, result.bytesBToA);
    this.#log('a connection ended', () => ({
      end,
      host: attempt.host.authority,
      tries: this.#tries,
      connectMs: rounded(attempt.connectMs ?? 0),
      toHost,
      toClient: result.bytesBToA,
      ...(result.error === undefined ? {} : { error: result.error.message }),
    }));
    this.#over();
  }

  #log(event: string, fields: () => LogFields): void {
    this.#deps.connectionLog.write(event, () => ({
      listener: this.#duty.rules.name,
      client: this.#clientName,
      module: this.#module === undefined ? 'none' : formatModule(this.#module.modid, this.#module.cmdid),
      ...fields(),
      tookMs: rounded(this.#deps.nowMs() - this.#startMs),
    }));
  }

  #over(): void {
    this.#lifetime?.cancel();
    this.#deps.onOver(this);
  }
}

function refused(why: ProxyCounter, problem: string): Refused {
  return { kind: 'refused', why, problem };
}

function endCounter({ end, by }: RelayResult): ProxyCounter {
  if (end === 'reset') return by === 'a' ? 'resetByClient' : 'resetByHost';
  if (end === 'idle_timeout') return 'idleTimeouts';
  if (end === 'network_error') return 'networkErrors';
  return end === 'ended' ? 'ended' : 'cut';
}

function endsOf(remote: Address, local: Address): Ends | undefined {
  if (remote.family === 'unix' || local.family === 'unix') return undefined;
  return { source: unmapped(remote), destination: unmapped(local) };
}

function rounded(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
