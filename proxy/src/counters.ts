import { defineCounters } from '@lars/runtime/counters';

/** Of each thread. */
export const proxyCounters = defineCounters({
  accepted: 'Connections of clients that were accepted',
  relayed: 'Of these, those that came to a host',
  refusedTotalLimit: 'Connections refused because the proxy had [proxy] max_connections',
  refusedListenerLimit: 'Connections refused because their listener had its max_connections',
  refusedHostLimit: 'Connections refused because all hosts of the module had max_host_connections',
  refusedNoHosts: 'Connections refused because the module has no hosts',
  refusedUnavailable: 'Connections refused because no host of the module may be called now',
  refusedNoAgent: 'Connections refused because the agent does not answer and no route of the module is known',
  refusedNoRule: 'Connections refused because their server name has no module',
  refusedBadHeader: 'Connections refused because they do not begin with a PROXY header as they must',
  refusedHeaderTimeout: 'Connections refused because their PROXY header was not whole in time',
  refusedNoHostLeft: 'Connections refused because all hosts that were tried have failed',
  refusedExhausted: 'Connections refused because this machine had no open files, ports or memory left for the one to the host',
  clientsGone: 'Clients that left before they came to a host',
  connectFailures: 'Hosts that refused a connection, or to which there was no way',
  connectTimeouts: 'Hosts that did not accept in time',
  retries: 'Further hosts that were tried',
  reportedSuccesses: 'Picks reported as successes',
  reportedFailures: 'Picks reported as failures',
  earlyResets: 'Connections that the host has reset before it had answered a byte',
  ended: 'Connections that both sides ended in order',
  resetByClient: 'Connections that the client has reset',
  resetByHost: 'Connections that the host has reset',
  idleTimeouts: 'Connections reset because no byte moved for idle_timeout or half_close_timeout',
  lifetimeTimeouts: 'Connections reset because they were older than lifetime',
  networkErrors: 'Connections that the network broke',
  cut: 'Connections reset because the proxy was stopped and drain_time was over',
  sniffTimeouts: 'Clients that said nothing for sniff_timeout, and went to the module of the listener',
  bytesToHosts: 'Bytes that clients sent, of connections that have ended',
  bytesToClients: 'Bytes that hosts sent, of connections that have ended',
  unlogged: 'Connections that were not logged, because there were more than [proxy] log_lines in a second',
});
export type ProxyCounter = (typeof proxyCounters.names)[number];

/** Of each thread, as it is now. */
export const proxyGauges = defineCounters({
  connections: 'Connections of clients that are open',
  relays: 'Of these, those that have come to a host',
  hostConnections: 'Connections to hosts that are open or being made',
  agentAway: '1 while the agent does not answer',
  acceptPauses: 'Times that accepting had to wait, because there were no open files or no memory',
});
export type ProxyGauge = (typeof proxyGauges.names)[number];

/** Of each thread, as main sees it. */
export const threadCounters = defineCounters({
  threadRestarts: 'Times that the thread was started again after it had died',
});
export type ThreadCounter = (typeof threadCounters.names)[number];

export const threadGauges = defineCounters({
  threadDead: '1 while the thread has died, and is not there again',
});
export type ThreadGauge = (typeof threadGauges.names)[number];
