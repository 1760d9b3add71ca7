import { errorMonitor } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ModuleId } from '@lars/proto';
import { headersTimeoutError } from '../errors.ts';
import type { LarsHost } from '../lars-host.ts';
import type { HostTries, HostTry } from '../module-requests/host-tries.ts';
import { isHostsFault } from '../module-requests/retry-rule.ts';
import { giveSocket, type SocketCallback } from './node-agent.ts';

/** What axios and got destroy a request with when its time is up. */
const TIMEOUTS: ReadonlySet<unknown> = new Set(['ETIMEDOUT', 'ESOCKETTIMEDOUT', 'ECONNABORTED']);

/**
 * One request of node:http to a module. Until it has a connection its hosts can be changed; from then on it is node:http's, and only watched.
 *
 * A caller that gives up is known by its call of `destroy`, for which the request has no event: it ends a pick or a connection at once, and says
 * that the host is not to blame.
 */
export class LarsRequest {
  readonly #module: ModuleId;
  readonly #request: ClientRequest;
  readonly #tries: HostTries;
  readonly #timeoutMs: number;
  readonly #send: (host: LarsHost) => void;
  readonly #aborting = new AbortController();
  #attempt: HostTry | undefined;
  /** Nothing but this object can end the request: it is being picked for, or connected. */
  #isOurs = true;
  /** Ended here, so that node:http must not hear of it again. */
  #isOver = false;
  #isAborted = false;
  #isAnswered = false;
  /** The request's own `timeout` has passed. */
  #isTooSlow = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param send asks the agent of node:http for a socket to this host */
  constructor(module: ModuleId, request: ClientRequest, tries: HostTries, timeoutMs: number, send: (host: LarsHost) => void) {
    this.#module = module;
    this.#request = request;
    this.#tries = tries;
    this.#timeoutMs = timeoutMs;
    this.#send = send;
  }

  start(): void {
    const request = this.#request;
    const { destroy } = request;
    request.destroy = error => {
      if (!request.destroyed) this.#onDestroy(error);
      destroy.call(request, error);
      if (this.#isOurs) this.#end(error);
      return request;
    };
    request.once('socket', () => this.#onSocket());
    request.once('finish', () => this.#startTimer());
    request.once('timeout', () => {
      this.#isTooSlow = true;
    });
    request.prependOnceListener('response', response => this.#onResponse(response));
    request.once(errorMonitor, error => this.#onError(error));
    request.once('close', () => clearTimeout(this.#timer));
    void this.#tryNext();
  }

  /** The agent of node:http makes a new connection, at once or when one of those that it may have is gone. */
  onConnecting(): void {
    this.#isOurs = true;
  }

  /** @param callback gives the request to node:http, with its socket or with an error */
  onConnectEnd(error: Error | null, socket: Duplex | undefined, callback: SocketCallback): void {
    if (this.#isOver) {
      socket?.destroy();
      return;
    }
    const isBlamed = !this.#isAborted && socket === undefined && isHostsFault(error);
    if (isBlamed) this.#attempt?.report(false);
    if (isBlamed && this.#tries.areLeft) void this.#tryNext(error ?? undefined);
    else {
      this.#isOurs = false;
      callback(error, socket);
    }
  }

  /** The caller destroys the agent, and all of its sockets. */
  onAgentDestroyed(): void {
    this.#onDestroy();
    if (this.#isOurs) this.#end(Object.assign(new Error('the agent was destroyed'), { code: 'ECONNRESET' }));
  }

  /** @param lastError of the attempt before this one */
  async #tryNext(lastError?: Error): Promise<void> {
    try {
      const next = await this.#tries.next(this.#aborting.signal);
      if (this.#isOver) next?.takeBack();
      else if (next === undefined) this.#end(lastError);
      else {
        this.#attempt = next;
        this.#isOurs = false;
        this.#send(next.host);
      }
    } catch (error) {
      this.#end(lastError ?? (error as Error));
    }
  }

  /** Without a socket only this ends a request. */
  #end(error: Error | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    giveSocket(this.#request, undefined, error);
  }

  #onDestroy(error?: Error): void {
    // A caller whose timeout has passed has found out a slow host. Packages that have timers of their own tell by their error.
    if (this.#isTooSlow || isTimeout(error)) this.#attempt?.report(false);
    this.#isAborted = true;
    this.#aborting.abort();
  }

  /** The listeners of the caller are there by now. Without one of its own node:http does other things with these events. */
  #onSocket(): void {
    for (const event of ['upgrade', 'connect'] as const) {
      if (this.#request.listenerCount(event) > 0) this.#request.prependOnceListener(event, () => this.#onAnswer(true));
    }
  }

  /** All of the request is sent. */
  #startTimer(): void {
    if (this.#attempt === undefined || this.#isAnswered) return;
    const { host } = this.#attempt;
    this.#timer = setTimeout(() => {
      this.#isTooSlow = true;
      this.#request.destroy(headersTimeoutError(this.#module, this.#timeoutMs, host));
    }, this.#timeoutMs).unref();
  }

  #onResponse(response: IncomingMessage): void {
    this.#onAnswer(response.statusCode);
    // As node:http has it for a response that nobody wants: it must not keep its connection.
    if (this.#request.listenerCount('response') === 0) response.resume();
  }

  #onAnswer(answer: true | number | undefined): void {
    this.#isAnswered = true;
    clearTimeout(this.#timer);
    if (typeof answer === 'number') this.#attempt?.reportStatus(answer);
    else this.#attempt?.report(true);
  }

  #onError(error: unknown): void {
    clearTimeout(this.#timer);
    if (!this.#isAborted && isHostsFault(error)) this.#attempt?.report(false);
  }
}

function isTimeout(error: Error | undefined): boolean {
  return TIMEOUTS.has((error as NodeJS.ErrnoException | undefined)?.code);
}
