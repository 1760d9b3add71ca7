import type { ModuleId } from '@lars/proto';
import type { Dispatcher } from 'undici';
import type { LarsApi } from '../lars-api.ts';
import type { LarsHost } from '../lars-host.ts';
import { RequestController } from './request-controller.ts';
import { isHostsFault, mayRetry } from './retry-rule.ts';

type Handler = Dispatcher.DispatchHandler;
type Controller = Dispatcher.DispatchController;

/** What a request needs. */
export interface RequestDeps {
  readonly lars: LarsApi;
  /** Sends to a host that was picked. */
  readonly dispatcher: Dispatcher;
  readonly isFailure: (statusCode: number) => boolean;
  readonly nowMs: () => number;
}

/** So many picks at most are spent on finding a host that was not tried yet. Those in vain have no call that could be reported. */
const MAX_PICKS = 3;

/** One request to a module, over one host or, where that does no harm, over several one after the other. */
export class LarsRequest {
  readonly #module: ModuleId;
  readonly #protocol: string;
  readonly #options: Dispatcher.DispatchOptions;
  readonly #handler: Handler;
  readonly #deps: RequestDeps;
  readonly #aborting = new AbortController();
  readonly #controller = new RequestController(reason => this.#onAbort(reason));
  readonly #tried = new Set<string>();
  #triesLeft: number;
  #isOver = false;

  constructor(
    module: ModuleId,
    protocol: string,
    options: Dispatcher.DispatchOptions,
    tries: number,
    handler: Handler,
    deps: RequestDeps,
  ) {
    this.#module = module;
    this.#protocol = protocol;
    this.#options = options;
    this.#triesLeft = tries;
    this.#handler = handler;
    this.#deps = deps;
  }

  /** Ends by the handler, whatever happens. */
  start(): void {
    this.#handler.onRequestStart?.(this.#controller, null);
    if (!this.#isOver) void this.#tryNext();
  }

  /** @param lastError of the attempt before this one */
  async #tryNext(lastError?: Error): Promise<void> {
    this.#triesLeft -= 1;
    try {
      const host = await this.#pickUntried();
      if (host === undefined && lastError !== undefined) this.#fail(lastError);
      else if (host !== undefined && !this.#isOver) this.#send(host);
    } catch (error) {
      this.#fail(lastError ?? (error as Error));
    }
  }

  async #pickUntried(): Promise<LarsHost | undefined> {
    const { lars } = this.#deps;
    const { modid, cmdid } = this.#module;
    for (let picks = 0; picks < MAX_PICKS; picks++) {
      const host = lars.tryGetHost(modid, cmdid) ?? (await lars.getHost(modid, cmdid, { signal: this.#aborting.signal }));
      if (!this.#tried.has(host.authority)) return host;
    }
    return undefined;
  }

  #send(host: LarsHost): void {
    this.#tried.add(host.authority);
    const options = { ...this.#options, origin: `${this.#protocol}//${host}` };
    this.#deps.dispatcher.dispatch(options, this.#attemptAt(host));
  }

  #attemptAt(host: LarsHost): Handler {
    const { lars, nowMs, isFailure } = this.#deps;
    const handler = this.#handler;
    const startMs = nowMs();
    let wasSent = false;
    let wasAnswered = false;
    let isReported = false;
    const report = (ok: boolean) => {
      if (isReported) return;
      isReported = true;
      lars.report(host, { ok, tcostMs: nowMs() - startMs });
    };
    return {
      onRequestStart: (controller: Controller) => {
        wasSent = true;
        this.#controller.follow(controller);
      },
      onRequestUpgrade: (_, statusCode, headers, socket) => {
        report(true);
        this.#isOver = true;
        handler.onRequestUpgrade?.(this.#controller, statusCode, headers, socket);
      },
      onResponseStarted: () => {
        wasAnswered = true;
        handler.onResponseStarted?.();
      },
      onResponseStart: (_, statusCode, headers, statusMessage) => {
        wasAnswered = true;
        if (statusCode >= 200) report(!isFailureOf(statusCode, isFailure));
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
        if (isBlamed) report(false);
        const { method, body } = this.#options;
        if (!isBlamed || this.#triesLeft === 0 || !mayRetry({ method, body, wasSent, wasAnswered, error })) this.#fail(error);
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

function isFailureOf(statusCode: number, isFailure: (statusCode: number) => boolean): boolean {
  try {
    return isFailure(statusCode) !== false;
  } catch {
    return true;
  }
}
