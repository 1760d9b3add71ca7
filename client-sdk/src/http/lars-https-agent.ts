import type { ClientRequest } from 'node:http';
import { Agent, type AgentOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import type { LarsApi } from '../lars-api.ts';
import type { ModuleRequestOptions } from '../module-requests/request-settings.ts';
import { badArgument } from '../validation.ts';
import { AgentRequests, readAgentSettings } from './agent-requests.ts';
import { forgetEmpty, type NodeAgent, type SocketCallback, type SocketOptions } from './node-agent.ts';

export interface LarsHttpsAgentOptions extends ModuleRequestOptions {
  /** What node:https makes an Agent with; 'keepAlive: true' unless it says otherwise. `servername` is the name in the hosts' certificates. */
  readonly agentOptions?: AgentOptions | undefined;
}

/**
 * An agent for node:https: as LarsHttpAgent, for 'https://1-2.lars/path'. The hosts prove to be what they should by the name that `servername` says; a request to
 * a module without one is refused.
 */
export class LarsHttpsAgent extends Agent implements NodeAgent {
  readonly #requests: AgentRequests;

  /** @throws {LarsError} LARS_BAD_ARGUMENT naming the option */
  constructor(lars: LarsApi, options: LarsHttpsAgentOptions = {}) {
    const settings = readAgentSettings(lars, options);
    super({ keepAlive: true, ...options.agentOptions });
    const base = Agent.prototype as unknown as NodeAgent;
    this.#requests = new AgentRequests(lars, settings, 443, {
      addRequest: (request, to) => base.addRequest.call(this, request, to),
      createSocket: (request, to, callback) => base.createSocket.call(this, request, to, forgetEmpty(this, to, callback)),
    });
  }

  addRequest(request: ClientRequest, options: SocketOptions): void {
    this.#requests.add(request, options, checkServername);
  }

  createSocket(request: ClientRequest, options: SocketOptions, callback: SocketCallback): void {
    this.#requests.createSocket(request, options, callback);
  }

  override createConnection(...[options, callback]: Parameters<Agent['createConnection']>): Duplex | null | undefined {
    return this.#requests.connect(options, 'secureConnect', callback, given => super.createConnection(options, given));
  }

  override destroy(): void {
    this.#requests.onDestroy();
    super.destroy();
  }
}

/** The names of the modules are in no certificate, and addresses rarely are. */
function checkServername({ servername = '' }: SocketOptions): void {
  if (servername === '')
    throw badArgument('servername', "the name in the hosts' certificates, in agentOptions or with the request", servername);
}
