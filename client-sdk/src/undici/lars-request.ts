import type { Dispatcher } from 'undici';
import type { HostTries, HostTry } from '../module-requests/host-tries.ts';
import { isHostsFault, mayRetry } from '../module-requests/retry-rule.ts';
import { RequestController } from './request-controller.ts';

type Handler = Dispatcher.DispatchHandler;
type Controller = Dispatcher.DispatchController;

/** One request to a module, over one host or, where that does no harm, over several one after the other. */
export class LarsRequest {
  readonly #protocol: string;
  readonly #options: Dispatcher.DispatchOptions;
  readonly #handler: Handler;
  readonly #tries: HostTries;
  readonly #dispatcher: Dispatcher;
  readonly #aborting = new AbortController();
  readonly #controller = new RequestController(reason => this.#onAbort(reason));
  #isOver = false;

  /** @param dispatcher sends to the hosts that are picked */
  constructor(protocol: string, options: Dispatcher.DispatchOptions, handler: Handler, tries: HostTries, dispatcher: Dispatcher) {
    this.#protocol = protocol;
    this.#options = options;
    this.#handler = handler;
    this.#tries = tries;
    this.#dispatcher = dispatcher;
  }

  /** Ends by the handler, whatever happens. */
  start(): void {
    this.#handler.onRequestStart?.(this.#controller, null);
    if (!this.#isOver) void this.#tryNext();
  }

  /** @param lastError of the attempt before this one */
  async #tryNext(lastError?: Error): Promise<void> {
    try {
      const next = await this.#tries.next(this.#aborting.signal);
      if (this.#isOver) next?.takeBack();
      else if (next !== undefined) this.#send(next);
      else if (lastError !== undefined) this.#fail(lastError);
    } catch (error) {
      this.#fail(lastError ?? (error as Error));
    }
  }

  #send(attempt: HostTry): void {
    const options = { ...this.#options, origin: `${this.#protocol}//${attempt.host}` };
    this.#dispatcher.dispatch(options, this.#handlerOf(attempt));
  }

  #handlerOf(attempt: HostTry): Handler {
    const handler = this.#handler;
    let wasSent = false;
    let wasAnswered = false;
    return {
      onRequestStart: (controller: Controller) => {
        wasSent = true;
        this.#controller.follow(controller);
      },
      onRequestUpgrade: (_, statusCode, headers, socket) => {
        attempt.report(true);
        this.#isOver = true;
        handler.onRequestUpgrade?.(this.#controller, statusCode, headers, socket);
      },
      onResponseStarted: () => {
        wasAnswered = true;
        handler.onResponseStarted?.();
      },
      onResponseStart: (_, statusCode, headers, statusMessage) => {
        wasAnswered = true;
        if (statusCode >= 200) attempt.reportStatus(statusCode);
        handler.onResponseStart?.(this.#controller, statusCode, headers, statusMessage);
      },
      onResponseData: (_, chunk) => handler.onResponseData?.(this.#controller, chunk),
      onResponseEnd: (_, trailers) => {
        this.#isOver = true;
        handler.onResponseEnd?.(this.#controller, trailers);
      },
      onResponseError: (_, error) => {
        if (this.#isOver) return;
        const isBlamed = isHostsFault(error);
        if (isBlamed) attempt.report(false);
        const { method, body } = this.#options;
        if (!isBlamed || !this.#tries.areLeft || !mayRetry({ method, body, wasSent, wasAnswered, error })) this.#fail(error);
        else {
          this.#controller.follow(undefined);
          void this.#tryNext(error);
        }
      },
      onBodySent: chunk => handler.onBodySent?.(chunk),
      onRequestSent: () => handler.onRequestSent?.(),
    };
  }

  /** The host is not to blame: nothing is reported. */
  #onAbort(reason: Error): void {
    this.#fail(reason);
    this.#aborting.abort(reason);
  }

  #fail(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handler.onResponseError?.(this.#controller, error);
  }
}
