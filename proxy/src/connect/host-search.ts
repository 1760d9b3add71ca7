import { isPort } from '@lars/proto';
import type { CloseReason, ConnectHandler, Connection, ConnectOptions, Engine } from '@lars/reactor';
import type { SharedCounters } from '@lars/runtime/counters';
import { messageOf } from '@lars/runtime/errors';
import { type ProxyCounter, proxyCounters } from '../counters.ts';
import type { ClientIntake, ClientWatcher } from '../listen/client-intake.ts';
import type { ListenerRules } from '../listen/listener-rules.ts';
import type { HostPick, PickContext } from '../pick/host-picker.ts';
import { pickFailure } from '../pick/pick-failure.ts';
import type { HostAttempt } from './host-attempt.ts';
import type { NameResolver } from './name-resolver.ts';

/** What all searches share. */
export interface SearchTools {
  readonly engine: Engine;
  readonly names: NameResolver;
  readonly counters: SharedCounters<ProxyCounter>;
  attempt(pick: HostPick): HostAttempt;
}

export interface SearchWish extends Omit<PickContext, 'tried'> {
  readonly picker: { pick(context: PickContext): HostPick | undefined | Promise<HostPick | undefined> };
  readonly rules: ListenerRules;
  readonly intake: ClientIntake;
}

/** Why no host was come to: the counter of it. */
export type Refusal =
  | 'refusedHostLimit'
  | 'refusedNoHosts'
  | 'refusedUnavailable'
  | 'refusedNoAgent'
  | 'refusedNoHostLeft'
  | 'refusedExhausted'
  | 'clientsGone';

/** Who is told what a search came to: one of these, once. */
export interface SearchOwner {
  /** @param connection is paused, so that nothing of what the host says first is lost. @param tries how many hosts were tried, this one included */
  onHost(attempt: HostAttempt, connection: Connection, tries: number): void;
  /** @param problem what a person may want to read */
  onRefused(why: Refusal, problem: string, tries: number): void;
  /** Nobody has thought of this. */
  onError(error: unknown): void;
}

const KEEP_ALIVE_MS = 60_000;
/** Open files, memory and local ports are this machine's. */
const OWN_LIMITS: ReadonlySet<string | undefined> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL', 'EAGAIN']);
const NONE: ReadonlySet<string> = new Set();
const at = proxyCounters.at;

/**
 * The way of one client to a host: picks one, connects, and where that fails reports it and tries the next, as often as the listener says. Where the route is known, nothing
 * is waited for but the network.
 */
export class HostSearch implements ConnectHandler, ClientWatcher {
  readonly #tools: SearchTools;
  readonly #wish: SearchWish;
  readonly #owner: SearchOwner;
  #tries = 0;
  /** Those that have failed. */
  #tried: Set<string> | undefined;
  #attempt: HostAttempt | undefined;
  #connection: Connection | undefined;
  #problem = 'every host has its limit of connections';

  constructor(tools: SearchTools, wish: SearchWish, owner: SearchOwner) {
    this.#tools = tools;
    this.#wish = wish;
    this.#owner = owner;
  }

  /** Tries the next host. */
  next(): void {
    const { picker, module, key, rules } = this.#wish;
    if (this.#tries >= rules.tries) {
      this.#refuse('refusedNoHostLeft', this.#problem);
      return;
    }
    const pick = picker.pick({ module, key, tried: this.#tried ?? NONE });
    if (pick instanceof Promise)
      this.#when(
        pick,
        known => this.#onPick(known),
        error => this.#onNoPick(error),
      );
    else this.#onPick(pick);
  }

  onConnect(connection: Connection): void {
    const attempt = this.#attempt as HostAttempt;
    this.#attempt = undefined;
    this.#wish.intake.watcher = undefined;
    connection.pause();
    attempt.connected(connection);
    this.#owner.onHost(attempt, connection, this.#tries);
  }

  /** The owner gives the connection to a relay, which reads. */
  onData(): void {}

  onClose(_connection: Connection, reason: CloseReason, error: Error | undefined): void {
    if (this.#attempt === undefined) return;
    if (this.#wish.intake.isGone) this.#abandon();
    else this.#onFailed(error ?? new Error('it was closed at once'), reason === 'connect_timeout');
  }

  onClientGone(): void {
    this.#connection?.destroy();
  }

  #onPick(pick: HostPick | undefined): void {
    if (pick === undefined) {
      this.#refuse(this.#tries > 0 ? 'refusedNoHostLeft' : 'refusedHostLimit', this.#problem);
      return;
    }
    if (this.#tries > 0) this.#tools.counters.add(at.retries);
    this.#tries += 1;
    this.#attempt = this.#tools.attempt(pick);
    const { host, state } = pick;
    const { unixHosts, connectTimeoutMs, sendProxy } = this.#wish.rules;
    const path = unixHosts.size === 0 ? undefined : unixHosts.get(state.authority);
    const writesAtOnce = this.#wish.intake.bytes.length > 0 || sendProxy !== 'off';
    if (path !== undefined) this.#connect({ path, timeoutMs: connectTimeoutMs, keepAliveMs: KEEP_ALIVE_MS });
    else if (isPort(host.port)) this.#resolve(host, connectTimeoutMs, writesAtOnce);
    else this.#onFailed(new Error(`port ${host.port} is not in 1..65535`), false);
  }

  #resolve({ host, port }: HostPick['host'], timeoutMs: number, writesAtOnce: boolean): void {
    const connectTo = (address: string) =>
      this.#connect({ host: address, port, timeoutMs, keepAliveMs: KEEP_ALIVE_MS, writesAtOnce });
    const address = this.#tools.names.resolve(host);
    if (typeof address === 'string') connectTo(address);
    else this.#when(this.#within(address, host, timeoutMs), connectTo, error => this.#onFailed(error as Error, false));
  }

  #connect(options: ConnectOptions): void {
    const { intake } = this.#wish;
    if (intake.isGone) {
      this.#abandon();
      return;
    }
    intake.watcher = this;
    try {
      this.#connection = this.#tools.engine.connect(options, this);
    } catch (error) {
      this.#onFailed(error as Error, false);
    }
  }

  async #within(address: Promise<string>, name: string, ms: number): Promise<string> {
    const late = Promise.withResolvers<string>();
    const timer = this.#tools.engine.after(ms, () => late.reject(new Error(`${name} was not resolved within ${ms} ms`)));
    try {
      return await Promise.race([address, late.promise]);
    } finally {
      timer.cancel();
    }
  }

  /** After failed hosts those matter, and not that the agent now knows none. */
  #onNoPick(error: unknown): void {
    if (this.#tries > 0) this.#refuse('refusedNoHostLeft', this.#problem);
    else {
      const { why, problem } = pickFailure(error);
      this.#refuse(why, problem);
    }
  }

  #onFailed(error: NodeJS.ErrnoException, isTimeout: boolean): void {
    const attempt = this.#attempt as HostAttempt;
    this.#attempt = undefined;
    this.#problem = `${attempt.host}: ${messageOf(error)}`;
    this.#tried ??= new Set();
    this.#tried.add(attempt.state.authority);
    const isOwnLimit = OWN_LIMITS.has(error.code);
    if (!isOwnLimit) {
      this.#tools.counters.add(isTimeout ? at.connectTimeouts : at.connectFailures);
      attempt.settle(false);
    }
    attempt.release();
    if (isOwnLimit) this.#refuse('refusedExhausted', this.#problem);
    else this.next();
  }

  /** The client has left, which says nothing of the host. */
  #abandon(): void {
    this.#attempt?.release();
    this.#attempt = undefined;
    this.#refuse('clientsGone', 'the client has left');
  }

  #refuse(why: Refusal, problem: string): void {
    this.#wish.intake.watcher = undefined;
    this.#owner.onRefused(why, problem, this.#tries);
  }

  #when<T>(promise: Promise<T>, onValue: (value: T) => void, onError: (error: unknown) => void): void {
    promise.then(onValue, onError).catch((error: unknown) => this.#owner.onError(error));
  }
}
