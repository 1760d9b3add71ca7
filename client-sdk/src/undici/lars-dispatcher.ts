import { Agent, Dispatcher } from 'undici';
import type { LarsApi } from '../lars-api.ts';
import { HostTries } from '../module-requests/host-tries.ts';
import { readLarsName } from '../module-requests/lars-name.ts';
import {
  type ModuleRequestOptions,
  REQUEST_KEYS,
  type RequestSettings,
  readRequestSettings,
} from '../module-requests/request-settings.ts';
import { badArgument, checkKeys, checkObject } from '../validation.ts';
import { LarsRequest } from './lars-request.ts';

export interface LarsDispatcherOptions extends ModuleRequestOptions {
  /** Sends to the hosts that were picked, and to all others. Default: a new Agent, which is closed with this dispatcher; one that is given is not. */
  readonly dispatcher?: Dispatcher | undefined;
}

const KNOWN = ['dispatcher', ...REQUEST_KEYS] as const satisfies readonly (keyof LarsDispatcherOptions)[];

/**
 * Makes a Dispatcher for `fetch`, `request` and all else of undici, by which 'http://1-2.lars/path' goes to a host of module 1/2 that LARS picks, and
 * all other requests where they went before. Each request to a module is reported: as a failure where no connection or no response comes, and by
 * the status of the response, with the time until its headers. A request that its caller aborts is not reported.
 * @throws {LarsError} LARS_BAD_ARGUMENT naming the option
 */
export function larsDispatcher(lars: LarsApi, options: LarsDispatcherOptions = {}): Dispatcher {
  checkObject('lars', lars);
  checkKeys('options', options, KNOWN);
  const { dispatcher } = options;
  if (dispatcher !== undefined && typeof Object(dispatcher).dispatch !== 'function')
    throw badArgument('dispatcher', 'a Dispatcher of undici', dispatcher);
  return new LarsDispatcher(lars, dispatcher, readRequestSettings(options));
}

class LarsDispatcher extends Dispatcher {
  readonly #lars: LarsApi;
  readonly #dispatcher: Dispatcher;
  readonly #isOwner: boolean;
  readonly #settings: RequestSettings;

  constructor(lars: LarsApi, dispatcher: Dispatcher | undefined, settings: RequestSettings) {
    super();
    this.#lars = lars;
    this.#dispatcher = dispatcher ?? new Agent();
    this.#isOwner = dispatcher === undefined;
    this.#settings = settings;
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const { origin } = options;
    const url = origin === undefined ? undefined : new URL(origin);
    const module = url === undefined ? undefined : readLarsName(url.hostname);
    if (url === undefined || module === undefined) return this.#dispatcher.dispatch(options, handler);
    // The two interfaces have nothing in common, so that such a request would never end.
    if (typeof handler.onRequestStart !== 'function')
      throw badArgument('fetch', "that of the package undici from 8 on, or Node.js' own from 26 on", 'one for older dispatchers');
    if (url.port !== '') throw badArgument('origin', `without a port: LARS picks it, too`, url.origin);
    const bounded = { ...options, headersTimeout: options.headersTimeout ?? this.#settings.timeoutMs };
    const tries = new HostTries(module, this.#settings, { lars: this.#lars, nowMs: () => performance.now() });
    new LarsRequest(url.protocol, bounded, handler, tries, this.#dispatcher).start();
    return true;
  }

  override close(): Promise<void>;
  override close(callback: () => void): void;
  override close(callback?: () => void): Promise<void> | undefined {
    return callBack(this.#isOwner ? this.#dispatcher.close() : Promise.resolve(), callback);
  }

  override destroy(): Promise<void>;
  override destroy(error: Error | null): Promise<void>;
  override destroy(callback: () => void): void;
  override destroy(error: Error | null, callback: () => void): void;
  override destroy(first?: Error | null | (() => void), second?: () => void): Promise<void> | undefined {
    const [error, callback] = typeof first === 'function' ? [null, first] : [first ?? null, second];
    return callBack(this.#isOwner ? this.#dispatcher.destroy(error) : Promise.resolve(), callback);
  }
}

/** As undici has it: a promise where no callback is given. */
function callBack(ended: Promise<void>, callback: (() => void) | undefined): Promise<void> | undefined {
  if (callback === undefined) return ended;
  ended.then(callback, callback);
  return undefined;
}
