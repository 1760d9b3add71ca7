import { Backoff } from '../backoff.ts';
import type { Logger } from '../log.ts';
import type { FramedClientEvents } from './framed-client.ts';
import { LinkSteadiness } from './link-steadiness.ts';

export interface FailoverOptions {
  /** The addresses in the order of preference, as the log names them. Two or more. */
  readonly servers: readonly string[];
  /** Names them together: 'dnsserver'. */
  readonly serverName: string;
  /** On this period, with a phase of its own, a client looks whether a server that it prefers is back: a thousand clients return spread over it. */
  readonly returnMs: number;
  /** A server to which the client would return must have answered within this time. */
  readonly probeTimeoutMs: number;
  /** How long a connection is kept beside the one in use, for what is still to come on it. */
  readonly lingerMs: number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
}

/** One connection, made by one attempt; a FramedClient is one. */
export interface ServerConnection {
  readonly up: boolean;
  start(): void;
  queue(bytes: Uint8Array): boolean;
  flush(): void;
  stop(): void;
}

export interface FailoverDeps {
  connect(server: number, events: FramedClientEvents): ServerConnection;
  /** Uniform in [0, 1). */
  random(): number;
  /** Whether a connection to a server that is not in use would be of use now. */
  isWanted?(server: number): boolean;
  readonly log: Logger;
}

/** Servers are named by their place in the list, from 0. */
export interface FailoverEvents {
  /** A connection beside the one in use stands. Send what the server must answer, and call `confirm` when it has. */
  onProbe(server: number): void;
  /** The server is used from now on; its connection stands. @param before the one that was used before, also long ago */
  onUse(server: number, before: number | undefined): void;
  /** Of any connection that stands. */
  onFrame(server: number, id: number, body: Uint8Array): void;
  /** A connection that stood is gone. @param wasUsed whether it was the one in use */
  onDown(server: number, wasUsed: boolean): void;
}

interface Link {
  readonly client: ServerConnection;
  /** `spare`: beside the one in use, for what is still to come on it. */
  state: 'connecting' | 'probing' | 'used' | 'spare';
  timer: NodeJS.Timeout | undefined;
}

/**
 * Keeps a connection to one of several servers: the first of the list that answers. When it is lost the next one is tried at once, and when none
 * answers, all again and again with backoff. While a later one is used, the preferred ones are tried now and then over a second connection (and so
 * are others that were down). Only when a preferred one has answered on it, it is used, and the connection before is kept until its owner has
 * what it needs (`release`).
 */
export class FailoverClient {
  readonly #options: FailoverOptions;
  readonly #deps: FailoverDeps;
  readonly #events: FailoverEvents;
  readonly #backoff: Backoff;
  readonly #steadiness = new LinkSteadiness(wasFlapping => this.#onSteady(wasFlapping));
  readonly #links = new Map<number, Link>();
  /** Servers that did not answer when they were tried last, and why. */
  readonly #failures = new Map<number, string>();
  /** Servers that are still to be tried in this round. */
  #round: number[] = [];
  #roundTimer: NodeJS.Timeout | undefined;
  #returnTimer: NodeJS.Timeout | undefined;
  #used: number | undefined;
  #usedBefore: number | undefined;
  #hasComplained = false;
  #isStopped = false;

  constructor(options: FailoverOptions, deps: FailoverDeps, events: FailoverEvents) {
    this.#options = options;
    this.#deps = deps;
    this.#events = events;
    this.#backoff = new Backoff(options.backoffMinMs, options.backoffMaxMs, () => deps.random());
  }

  /** The server in use. */
  get used(): number | undefined {
    return this.#used;
  }

  /** Servers to which a connection stands that is kept for what is still to come on it. */
  get spares(): readonly number[] {
    return [...this.#links].filter(([, { state }]) => state === 'spare').map(([server]) => server);
  }

  /** Did the server not answer when it was tried last? */
  isDown(server: number): boolean {
    return this.#failures.has(server);
  }

  /** Is there another server that may answer? */
  hasAlternative(server: number): boolean {
    return this.#options.servers.some((_, other) => other !== server && !this.isDown(other));
  }

  /** Does a connection to this server stand? */
  isUp(server: number): boolean {
    return this.#links.get(server)?.client.up ?? false;
  }

  /** Is the server to answer on a connection beside the one in use, before that is used? */
  isProbed(server: number): boolean {
    return this.#links.get(server)?.state === 'probing';
  }

  start(): void {
    this.#beginRound();
    this.#lookLater(this.#deps.random() * this.#options.returnMs);
  }

  /** Sends the bytes with the next flush at the latest. @returns false when no connection to the server stands: nothing is sent */
  queue(bytes: Uint8Array, server = this.#used): boolean {
    return server !== undefined && (this.#links.get(server)?.client.queue(bytes) ?? false);
  }

  /** Sends what is queued now. */
  flush(): void {
    for (const { client } of this.#links.values()) client.flush();
  }

  /** Does not wait for the next attempt. */
  connectNow(server: number): void {
    if (this.#isStopped) return;
    if (this.#used === undefined && this.#roundTimer !== undefined) this.#beginRound();
    else this.#open(server);
  }

  /** The server to which `onProbe` has sent has answered. */
  confirm(server: number): void {
    const link = this.#links.get(server);
    if (link?.state !== 'probing') return;
    this.#failures.delete(server);
    if (this.#used === undefined || server < this.#used) this.#use(server, link);
    else this.#spare(server, link);
  }

  /** Nothing more is to come on a connection beside the one in use; another one is kept. */
  release(server: number): void {
    if (this.#links.get(server)?.state === 'spare') this.#close(server);
  }

  /** The server is silent when it should answer: its connection is given up. */
  giveUp(server: number, why: string): void {
    if (this.#close(server)) this.#onFailed(server, why);
  }

  /** Sends what is queued and closes for good. */
  stop(): void {
    this.#isStopped = true;
    for (const timer of [this.#roundTimer, this.#returnTimer]) clearTimeout(timer);
    this.#steadiness.stop();
    for (const server of [...this.#links.keys()]) this.#close(server);
  }

  #beginRound(): void {
    clearTimeout(this.#roundTimer);
    this.#roundTimer = undefined;
    const all = this.#options.servers.map((_, server) => server);
    // Those that were down a moment ago come last; the sort is stable, so the order of the list stays otherwise.
    this.#round = all.sort((a, b) => Number(this.isDown(a)) - Number(this.isDown(b)));
    this.#tryNext();
  }

  #tryNext(): void {
    for (let next = this.#round.shift(); next !== undefined; next = this.#round.shift()) if (this.#open(next)) return;
    if (this.#links.size > 0) return;
    this.#complain();
    this.#roundTimer = setTimeout(() => this.#beginRound(), this.#backoff.nextDelayMs());
  }

  /** @returns whether there was no connection to this server */
  #open(server: number): boolean {
    if (this.#links.has(server)) return false;
    const link: Link = {
      client: this.#deps.connect(server, {
        onUp: () => this.#onUp(server, link),
        onFrame: (id, body) => this.#events.onFrame(server, id, body),
        onDown: () => this.#onLinkDown(server, link),
        onFailed: why => this.#onAttemptFailed(server, link, why),
      }),
      state: 'connecting',
      timer: undefined,
    };
    this.#links.set(server, link);
    link.client.start();
    return true;
  }

  #onUp(server: number, link: Link): void {
    if (this.#links.get(server) !== link) return;
    if (this.#used === undefined) {
      this.#use(server, link);
      return;
    }
    link.state = 'probing';
    const { probeTimeoutMs } = this.#options;
    this.#setTimer(link, probeTimeoutMs, () => this.giveUp(server, `no answer within ${probeTimeoutMs} ms`));
    this.#events.onProbe(server);
  }

  #use(server: number, link: Link): void {
    const [old, before] = [this.#used, this.#usedBefore];
    clearTimeout(link.timer);
    clearTimeout(this.#roundTimer);
    this.#roundTimer = undefined;
    this.#round = [];
    link.state = 'used';
    this.#used = server;
    this.#usedBefore = server;
    this.#failures.delete(server);
    this.#steadiness.onUp();
    if (!this.#steadiness.isFlapping) this.#logConnected(server);
    if (old !== undefined) this.#spare(old, this.#links.get(old));
    this.#events.onUse(server, before);
  }

  #onSteady(wasFlapping: boolean): void {
    this.#backoff.reset();
    if (wasFlapping && this.#used !== undefined) this.#logConnected(this.#used);
  }

  #logConnected(server: number): void {
    const { servers, serverName } = this.#options;
    this.#hasComplained = false;
    this.#deps.log.info(`${serverName}: connected`, { server: servers[server], ...this.#downFields() });
  }

  #spare(server: number, link: Link | undefined): void {
    if (link === undefined) return;
    link.state = 'spare';
    this.#setTimer(link, this.#options.lingerMs, () => this.#close(server));
  }

  /** @returns whether there was one */
  #close(server: number): boolean {
    const link = this.#links.get(server);
    if (link === undefined) return false;
    const wasUp = link.client.up;
    this.#forget(server, link);
    link.client.stop();
    if (wasUp) this.#events.onDown(server, link.state === 'used');
    return true;
  }

  #onLinkDown(server: number, link: Link): void {
    if (this.#links.get(server) === link) this.#events.onDown(server, link.state === 'used');
  }

  #onAttemptFailed(server: number, link: Link, why: string): void {
    if (this.#links.get(server) !== link) return;
    this.#forget(server, link);
    this.#onFailed(server, why);
  }

  #forget(server: number, link: Link): void {
    clearTimeout(link.timer);
    this.#links.delete(server);
  }

  #onFailed(server: number, why: string): void {
    this.#failures.set(server, why);
    if (this.#isStopped) return;
    const { servers, serverName } = this.#options;
    if (this.#used === server) {
      this.#used = undefined;
      if (!this.#steadiness.isFlapping)
        this.#deps.log.warn(`${serverName}: connection lost`, { server: servers[server], reason: why });
      this.#steadiness.onLost();
      const [spare] = this.spares;
      if (spare !== undefined) this.#use(spare, this.#links.get(spare) as Link);
      // A short random pause, as a thousand clients have lost their server in the same moment.
      else this.#roundTimer = setTimeout(() => this.#beginRound(), this.#backoff.nextDelayMs());
    } else if (this.#used === undefined && this.#roundTimer === undefined) this.#tryNext();
  }

  #lookLater(delayMs: number): void {
    this.#returnTimer = setTimeout(() => {
      this.#lookLater(this.#options.returnMs);
      this.#look();
    }, delayMs).unref();
  }

  #look(): void {
    const used = this.#used;
    if (used === undefined) return;
    for (const server of this.#options.servers.keys()) {
      // One that was down is no alternative before it has shown that it is there again.
      if (server < used || this.isDown(server) || this.#deps.isWanted?.(server) === true) this.#open(server);
    }
  }

  #setTimer(link: Link, delayMs: number, onTime: () => void): void {
    clearTimeout(link.timer);
    link.timer = setTimeout(onTime, delayMs).unref();
  }

  #complain(): void {
    if (this.#hasComplained) return;
    this.#hasComplained = true;
    this.#deps.log.warn(`${this.#options.serverName}: cannot connect, retrying until one answers`, this.#downFields());
  }

  #downFields(): { readonly down?: string } {
    if (this.#failures.size === 0) return {};
    const { servers } = this.#options;
    return { down: [...this.#failures].map(([server, why]) => `${servers[server]} (${why})`).join(', ') };
  }
}
