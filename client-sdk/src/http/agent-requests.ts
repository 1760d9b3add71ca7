import type { ClientRequest } from 'node:http';
import type { Duplex } from 'node:stream';
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
import { giveSocket, type NodeAgent, onceConnected, type SocketCallback, type SocketOptions } from './node-agent.ts';

/** No connection takes longer, however long its request may. */
const CONNECT_TIMEOUT_MS = 10_000;
/** They would have all requests go to one place, whatever was picked, or through a proxy, whose connection says nothing of the host's. */
const NOT_FOR_AGENTS = ['host', 'hostname', 'port', 'path', 'socketPath', 'proxyEnv'];

/** Goes with the options of a socket to a host that was picked. */
const PICKED = Symbol('picked');

interface PickedOptions extends SocketOptions {
  readonly [PICKED]?: true;
}

/** @throws {LarsError} LARS_BAD_ARGUMENT naming what is wrong with the arguments of an agent */
export function readAgentSettings(
  lars: LarsApi,
  options: ModuleRequestOptions & { agentOptions?: object | undefined },
): RequestSettings {
  checkObject('lars', lars);
  checkKeys('options', options, ['agentOptions', ...REQUEST_KEYS]);
  const { agentOptions = {} } = options;
  checkObject('agentOptions', agentOptions);
  for (const key of NOT_FOR_AGENTS) {
    if (key in agentOptions) throw badArgument('agentOptions', `without ${key}: LARS says where requests go`, agentOptions);
  }
  return readRequestSettings(options);
}

/** The part of an agent by LARS that is the same for http and https: requests to modules go where LARS says, all others where they went before. */
export class AgentRequests {
  readonly #lars: LarsApi;
  readonly #settings: RequestSettings;
  readonly #base: NodeAgent;
  readonly #defaultPort: number;
  readonly #requests = new Map<ClientRequest, LarsRequest>();

  /** @param base the agent as it is without LARS */
  constructor(lars: LarsApi, settings: RequestSettings, defaultPort: number, base: NodeAgent) {
    this.#lars = lars;
    this.#settings = settings;
    this.#base = base;
    this.#defaultPort = defaultPort;
  }

  /** @param check of the options of a request to a module; its error ends the request */
  add(request: ClientRequest, options: SocketOptions, check: (options: SocketOptions) => void = () => undefined): void {
    const module = readLarsName(options.host ?? '');
    if (module === undefined) {
      this.#base.addRequest(request, options);
      return;
    }
    try {
      if (Number(options.port) !== this.#defaultPort)
        throw badArgument('port', 'left out: LARS picks it, too', `${options.host}:${options.port}`);
      check(options);
    } catch (error) {
      giveSocket(request, undefined, error as Error);
      return;
    }
    const tries = new HostTries(module, this.#settings, { lars: this.#lars, nowMs: () => performance.now() });
    const own = new LarsRequest(module, request, tries, this.#settings.timeoutMs, ({ host, port }) => {
      const picked: PickedOptions = { ...options, host, port, [PICKED]: true };
      this.#base.addRequest(request, picked);
    });
    this.#requests.set(request, own);
    request.once('close', () => this.#requests.delete(request));
    own.start();
  }

  /** To be called before the agent destroys its sockets: the hosts are not to blame. */
  onDestroy(): void {
    for (const request of this.#requests.values()) request.onAgentDestroyed();
  }

  /** A request that fails to connect may be sent to another host, so that it does not hear of it yet. */
  createSocket(request: ClientRequest, options: SocketOptions, callback: SocketCallback): void {
    const own = this.#requests.get(request);
    if (own === undefined) this.#base.createSocket(request, options, callback);
    else {
      own.onConnecting();
      this.#base.createSocket(request, options, (error, socket) => own.onConnectEnd(error, socket, callback));
    }
  }

  /**
   * @param connect as the agent does without LARS
   * @returns the socket; undefined where it will be given to the callback
   */
  connect(
    options: { readonly timeout?: number | null | undefined },
    event: 'connect' | 'secureConnect',
    callback: ConnectCallback | undefined,
    connect: (callback?: ConnectCallback) => Duplex | null | undefined,
  ): Duplex | null | undefined {
    if (!(PICKED in options) || callback === undefined) return connect(callback);
    const socket = connect();
    if (!socket) return socket;
    const timeoutMs = Math.min(CONNECT_TIMEOUT_MS, this.#settings.timeoutMs, options.timeout || CONNECT_TIMEOUT_MS);
    onceConnected(socket, event, timeoutMs, callback as SocketCallback);
    return undefined;
  }
}

type ConnectCallback = (error: Error | null, socket: Duplex) => void;
