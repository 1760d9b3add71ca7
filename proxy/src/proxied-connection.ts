import type { ModuleId } from '@lars/proto';
import { formatModule } from '@lars/proto';
import type { Connection, Engine, EngineTimer, Relay, RelayOptions, RelayResult } from '@lars/reactor';
import type { SharedCounters } from '@lars/runtime/counters';
import { messageOf } from '@lars/runtime/errors';
import type { LogFields, Logger } from '@lars/runtime/log';
import type { FirstByteWatch } from './connect/first-byte-watch.ts';
import type { HostAttempt } from './connect/host-attempt.ts';
import type { HostConnector } from './connect/host-connector.ts';
import type { SearchOwner } from './connect/host-search.ts';
import type { ConnectionLog } from './connection-log.ts';
import { type ProxyCounter, proxyCounters } from './counters.ts';
import { clientNameOf, endsOf, sourceHostOf } from './listen/client-ends.ts';
import { ClientIntake } from './listen/client-intake.ts';
import type { FirstLook } from './listen/first-look.ts';
import type { ListenerRules } from './listen/listener-rules.ts';
import { moduleOfServerName } from './listen/server-names.ts';
import type { HostPicker } from './pick/host-picker.ts';
import type { Placed } from './placed-list.ts';
import { findServerName, HELLO_MAX_BYTES } from './wire/client-hello.ts';
import { type Ends, formatProxyHeader, HEADER_MAX_BYTES, parseProxyHeader } from './wire/proxy-header.ts';

/** A listener at work. */
export interface ListenerDuty {
  /** Its place among all. */
  readonly listener: number;
  readonly rules: ListenerRules;
  readonly picker: HostPicker;
  readonly relayOptions: RelayOptions;
  readonly firstLook: FirstLook;
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

/** The client as a PROXY header names it; undefined where there is none, or it names nobody. */
interface Header {
  readonly kind: 'header';
  readonly ends: Ends | undefined;
}

const GONE = refused('clientsGone', 'the client has left');
const NO_MODULE = refused('refusedNoRule', 'no module for a connection without a server name');

type Cut = 'lifetimeTimeouts' | 'cut';

const at = proxyCounters.at;

/**
 * One connection of a client, from its acceptance to its end: a PROXY header and a server name are read where the listener wants that, a host is connected to, and bytes
 * flow both ways until both sides have closed. Nothing but these is kept for a connection that waits, and nothing is asked of the system that nobody wants to know.
 */
export class ProxiedConnection implements SearchOwner, Placed {
  place = -1;
  readonly duty: ListenerDuty;
  readonly #client: Connection;
  readonly #deps: ProxiedConnectionDeps;
  readonly #startMs: number;
  /** Until there is a relay. */
  #intake: ClientIntake | undefined;
  #lifetime: EngineTimer | undefined;
  #relay: Relay | undefined;
  #attempt: HostAttempt | undefined;
  #cut: Cut | undefined;
  /** As a PROXY header says. */
  #ends: Ends | undefined;
  #module: ModuleId | undefined;
  #tries = 0;
  /** Bytes of the client that went to the host in front of what the relay reads. */
  #early = 0;

  constructor(client: Connection, duty: ListenerDuty, deps: ProxiedConnectionDeps) {
    this.#client = client;
    this.duty = duty;
    this.#deps = deps;
    this.#startMs = deps.nowMs();
    const { lifetimeMs } = duty.rules;
    if (lifetimeMs > 0) this.#lifetime = deps.engine.after(lifetimeMs, () => this.cut('lifetimeTimeouts'));
  }

  /** To be called once. Never throws: what this class has not thought of ends the one connection, with a line in the log. */
  serve(): void {
    const { acceptProxy, serverNames, module } = this.duty.rules;
    try {
      const intake = new ClientIntake(this.#client, this.#deps.engine, this.duty.firstLook);
      this.#intake = intake;
      if (acceptProxy === 'off' && serverNames.length === 0) this.#goTo(intake, module ?? NO_MODULE);
      else this.#readFirst(intake).catch((error: unknown) => this.onError(error));
    } catch (error) {
      this.onError(error);
    }
  }

  /** Resets both sides, for a reason that is not theirs. */
  cut(why: Cut): void {
    this.#cut ??= why;
    if (this.#relay === undefined) this.#client.reset();
    else this.#relay.stop();
  }

  onHost(attempt: HostAttempt, host: Connection, tries: number): void {
    this.#attempt = attempt;
    this.#tries = tries;
    try {
      this.#beginRelay(attempt, host);
    } catch (error) {
      host.destroy();
      this.onError(error);
    }
  }

  onRefused(why: ProxyCounter, problem: string, tries: number): void {
    this.#tries = tries;
    this.#client.reset();
    const counter = this.#cut ?? why;
    this.#deps.counters.add(at[counter]);
    if (this.#deps.connectionLog.hasRoom()) this.#log('a connection came to no host', { why: counter, problem });
    this.#over();
  }

  onError(error: unknown): void {
    this.#deps.log.error('a connection ended by an error of the proxy', { error: (error as Error).stack ?? messageOf(error) });
    this.#client.reset();
    this.#attempt?.release();
    this.#over();
  }

  /** Reads what tells where the connection goes. */
  async #readFirst(intake: ClientIntake): Promise<void> {
    if (this.duty.wantsHeader(sourceHostOf(this.#client))) {
      const header = await this.#readHeader(intake);
      if (header.kind === 'refused') {
        this.onRefused(header.why, header.problem, 0);
        return;
      }
      this.#ends = header.ends;
    }
    this.#goTo(intake, await this.#chooseModule(intake));
  }

  async #readHeader(intake: ClientIntake): Promise<Header | Refused> {
    const isEnough = (bytes: Uint8Array) => parseProxyHeader(bytes).kind !== 'more';
    const end = await intake.collect(isEnough, HEADER_MAX_BYTES, this.duty.rules.headerTimeoutMs);
    if (end === 'gone') return GONE;
    if (end === 'timeout') return refused('refusedHeaderTimeout', 'the PROXY header was not whole in time');
    if (end === 'ended') return refused('refusedBadHeader', 'the connection ended within the PROXY header');
    const header = parseProxyHeader(intake.bytes);
    if (header.kind !== 'header')
      return refused('refusedBadHeader', header.kind === 'bad' ? header.problem : 'the PROXY header is too long');
    intake.drop(header.length);
    return header;
  }

  async #chooseModule(intake: ClientIntake): Promise<ModuleId | Refused> {
    const { serverNames, module, sniffTimeoutMs } = this.duty.rules;
    const fallback = module ?? NO_MODULE;
    if (serverNames.length === 0) return fallback;
    const isEnough = (bytes: Uint8Array) => findServerName(bytes).kind !== 'more';
    const end = await intake.collect(isEnough, HELLO_MAX_BYTES, sniffTimeoutMs);
    if (end === 'gone') return GONE;
    if (end === 'timeout') this.#deps.counters.add(at.sniffTimeouts);
    const hello = findServerName(intake.bytes);
    if (hello.kind !== 'name') return fallback;
    return (
      moduleOfServerName(serverNames, hello.name) ??
      module ??
      refused('refusedNoRule', `no module for the server name ${hello.name}`)
    );
  }

  #goTo(intake: ClientIntake, module: ModuleId | Refused): void {
    if ('kind' in module) {
      this.onRefused(module.why, module.problem, 0);
      return;
    }
    this.#module = module;
    const { rules, picker } = this.duty;
    const key = rules.policy === 'hash' ? (this.#ends?.source.host ?? sourceHostOf(this.#client)) : '';
    this.#deps.connector.connect({ picker, module, rules, key, intake }, this);
  }

  #beginRelay(attempt: HostAttempt, host: Connection): void {
    const { engine, counters, firstBytes } = this.#deps;
    this.#sendFirst(host, this.#intake?.bytes);
    this.#intake = undefined;
    const relay = engine.relay(this.#client, host, this.duty.relayOptions, result => this.#onRelayed(result));
    this.#relay = relay;
    counters.add(at.relayed);
    firstBytes.add(attempt, relay);
    if (this.#cut !== undefined) relay.stop();
  }

  /** What goes to the host in front of what the relay reads. */
  #sendFirst(host: Connection, bytes: Uint8Array | undefined): void {
    const { sendProxy } = this.duty.rules;
    if (sendProxy !== 'off') host.write(formatProxyHeader(sendProxy, this.#ends ?? endsOf(this.#client)));
    if (bytes === undefined || bytes.length === 0) return;
    host.write(bytes);
    this.#early = bytes.length;
  }

  #onRelayed(result: RelayResult): void {
    const attempt = this.#attempt as HostAttempt;
    const { counters, connectionLog, firstBytes } = this.#deps;
    const toHost = result.bytesAToB + this.#early;
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
    if (connectionLog.hasRoom()) {
      this.#log('a connection ended', {
        end,
        host: attempt.state.authority,
        tries: this.#tries,
        connectMs: rounded(attempt.connectMs ?? 0),
        toHost,
        toClient: result.bytesBToA,
        ...(result.error === undefined ? {} : { error: result.error.message }),
      });
    }
    this.#over();
  }

  #log(event: string, fields: LogFields): void {
    this.#deps.connectionLog.write(event, {
      listener: this.duty.rules.name,
      client: clientNameOf(this.#client, this.#ends),
      module: this.#module === undefined ? 'none' : formatModule(this.#module.modid, this.#module.cmdid),
      ...fields,
      tookMs: rounded(this.#deps.nowMs() - this.#startMs),
    });
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

function rounded(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
