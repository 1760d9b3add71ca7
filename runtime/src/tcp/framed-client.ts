import type { Socket } from 'node:net';
import { Backoff } from '../backoff.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { NetConnection } from '../transport/net-connection.ts';
import { type CloseReason, type ConnectionLimits, FramedConnection } from './framed-connection.ts';
import { LinkSteadiness } from './link-steadiness.ts';
import { type LinkAttempt, type OpenLink, openPlainLink } from './open-link.ts';

export interface FramedClientOptions {
  readonly host: string;
  readonly port: number;
  readonly connectTimeoutMs: number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  readonly limits: ConnectionLimits;
  /** Uniform in [0, 1), for the jitter between attempts. */
  readonly random: () => number;
  readonly log: Logger;
  /** Names the server in the log: 'dnsserver'. */
  readonly serverName: string;
  /** How a connection is made; without it, by TCP alone. */
  readonly openLink?: OpenLink;
}

export interface FramedClientEvents {
  /** The link is up. Whatever the server must know is sent again now. */
  onUp(): void;
  onFrame(id: number, body: Uint8Array): void;
  onDown(): void;
  /**
   * An attempt has failed or the connection is lost, after onDown. Where this is given, the client makes that one attempt and no other, and leaves
   * the log to its owner: see failover-client.ts.
   */
  onFailed?(why: string): void;
}

/**
 * Keeps one TCP connection to a server open: connects, and after every loss connects again with exponential backoff and full
 * jitter, until stopped. Loss and return are logged once each, not per attempt.
 */
export class FramedClient {
  readonly #options: FramedClientOptions;
  readonly #events: FramedClientEvents;
  readonly #backoff: Backoff;
  readonly #steadiness = new LinkSteadiness(wasFlapping => this.#onSteady(wasFlapping));
  #connecting: LinkAttempt | undefined;
  #connection: FramedConnection | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #stopped = false;
  #hasComplained = false;

  constructor(options: FramedClientOptions, events: FramedClientEvents) {
    this.#options = options;
    this.#events = events;
    this.#backoff = new Backoff(options.backoffMinMs, options.backoffMaxMs, options.random);
  }

  get up(): boolean {
    return this.#connection !== undefined;
  }

  start(): void {
    this.#connect();
  }

  /** Sends the bytes with the next flush at the latest. @returns false when the link is down: nothing is sent */
  queue(bytes: Uint8Array): boolean {
    return this.#connection?.queue(bytes) ?? false;
  }

  /** Sends what is queued now. */
  flush(): void {
    this.#connection?.flush();
  }

  /** Does not wait for the next attempt, for the process is about to end. */
  connectNow(): void {
    if (this.#retryTimer === undefined || this.#stopped) return;
    clearTimeout(this.#retryTimer);
    this.#connect();
  }

  /** Gives the link up and starts a new one: for a server that is silent when it should answer. */
  reconnect(why: string): void {
    if (this.#connection === undefined) return;
    this.#options.log.warn(`${this.#options.serverName}: reconnecting: ${why}`);
    this.#connection.destroy();
  }

  /** Sends what is queued and closes for good. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retryTimer);
    this.#connecting?.abort();
    this.#connection?.end();
  }

  #connect(): void {
    const { host, port, connectTimeoutMs } = this.#options;
    this.#retryTimer = undefined;
    const openLink = this.#options.openLink ?? openPlainLink;
    this.#connecting = openLink(
      { host, port, timeoutMs: connectTimeoutMs },
      {
        onOpen: socket => this.#onConnected(socket),
        onFailed: error => {
          this.#logFailure(error);
          this.#retry(messageOf(error));
        },
      },
    );
  }

  #onConnected(socket: Socket): void {
    this.#connecting = undefined;
    if (!this.#steadiness.isFlapping) this.#hasComplained = false;
    this.#connection = new FramedConnection(new NetConnection(socket), this.#options.limits, {
      onFrameInPlace: (_, id, bytes, from, to) => this.#events.onFrame(id, bytes.subarray(from, to)),
      onClose: (_, reason, error) => this.#onClosed(reason, error),
    });
    this.#steadiness.onUp();
    if (!this.#steadiness.isFlapping) this.#logConnected();
    this.#events.onUp();
  }

  #onSteady(wasFlapping: boolean): void {
    this.#backoff.reset();
    this.#hasComplained = false;
    if (wasFlapping) this.#logConnected();
  }

  #logConnected(): void {
    if (this.#events.onFailed !== undefined) return;
    const { serverName, host, port, log } = this.#options;
    log.info(`${serverName}: connected`, { host, port });
  }

  #onClosed(reason: CloseReason, error: unknown): void {
    this.#connection = undefined;
    if (!this.#stopped && !this.#steadiness.isFlapping && this.#events.onFailed === undefined) {
      this.#options.log.warn(`${this.#options.serverName}: connection lost`, {
        reason,
        ...(error === undefined ? {} : { error: messageOf(error) }),
      });
    }
    this.#steadiness.onLost();
    this.#events.onDown();
    this.#retry(error === undefined ? reason : messageOf(error));
  }

  #logFailure(error: unknown): void {
    if (this.#hasComplained || this.#stopped || this.#events.onFailed !== undefined) return;
    this.#hasComplained = true;
    const { serverName, host, port, log } = this.#options;
    log.warn(`${serverName}: cannot connect, retrying until it answers`, { host, port, error: messageOf(error) });
  }

  #retry(why: string): void {
    if (this.#stopped) return;
    if (this.#events.onFailed !== undefined) this.#events.onFailed(why);
    else this.#retryTimer = setTimeout(() => this.#connect(), this.#backoff.nextDelayMs());
  }
}
