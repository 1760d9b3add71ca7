import { Agent, type AgentOptions, type ClientRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import type { LarsApi } from '../lars-api.ts';
import type { ModuleRequestOptions } from '../module-requests/request-settings.ts';
import { AgentRequests, readAgentSettings } from './agent-requests.ts';
import { forgetEmpty, type NodeAgent, type SocketCallback, type SocketOptions } from './node-agent.ts';

export interface LarsHttpAgentOptions extends ModuleRequestOptions {
  /** What node:http makes an Agent with; 'keepAlive: true' unless it says otherwise. */
  readonly agentOptions?: AgentOptions | undefined;
}

/**
 * An agent for node:http, and for what stands on it: a request to 'http://1-2.lars/path' goes to a host of module 1/2 that LARS picks for it, and all other
 * requests where they went before. Where no connection comes about it is sent to another host. Each host that was tried is reported once: as a failure
 * where no connection or no response comes, and by the status of the response, with the time until its headers. A request that its caller
 * destroys is not reported, unless because of a timeout.
 */
export class LarsHttpAgent extends Agent implements NodeAgent {
  readonly #requests: AgentRequests;

  /** @throws {LarsError} LARS_BAD_ARGUMENT naming the option */
  constructor(lars: LarsApi, options: LarsHttpAgentOptions = {}) {
    const settings = readAgentSettings(lars, options);
    super({ keepAlive: true, ...options.agentOptions });
    const base = Agent.prototype as unknown as NodeAgent;
    this.#requests = new AgentRequests(lars, settings, 80, {
      addRequest: (request, to) => base.addRequest.call(this, request, to),
      createSocket: (request, to, callback) => base.createSocket.call(this, request, to, forgetEmpty(this, to, callback)),
    });
  }

  addRequest(request: ClientRequest, options: SocketOptions): void {
    this.#requests.add(request, options);
  }

  createSocket(request: ClientRequest, options: SocketOptions, callback: SocketCallback): void {
    this.#requests.createSocket(request, options, callback);
  }

  override createConnection(...[options, callback]: Parameters<Agent['createConnection']>): Duplex | null | undefined {
    return this.#requests.connect(options, 'connect', callback, given => super.createConnection(options, given));
  }

  override destroy(): void {
    this.#requests.onDestroy();
    super.destroy();
  }
}
