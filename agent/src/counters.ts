// pure
import { defineCounters } from '@lars/runtime/counters';

/** What a shard thread counts. */
export const shardCounters = defineCounters({
  getHost: 'getHost requests',
  getRoute: 'getRoute requests from business code',
  report: 'Results of calls that were reported and counted',
  answeredSuccess: 'getHost answers with a host',
  answeredOverload: 'getHost answers OVERLOAD: no host of the module may be called',
  refusedQueue:
    'Of these, answers OVERLOAD because work waits at the hosts (adaptive); the others had no host that may be called',
  answeredNoExist: 'getHost answers NOEXIST: the module has no hosts, as far as the agent knows',
  answeredError: 'getHost answers SYSTEM_ERROR: only hosts whose address the caller does not understand',
  held: 'Requests that waited for the first route of their module',
  heldRefused: 'Requests answered at once instead of waiting, because too many waited already',
  misrouted: 'Datagrams for a module that another shard owns, forwarded to it',
  misroutedDropped: 'Datagrams for a module that another shard owns, dropped because too many waited for it',
  badLength: 'Datagrams dropped: shorter than a head, or not as long as the head says',
  badMessageId: 'Datagrams dropped: a message id that business code does not send',
  badBody: 'Datagrams dropped: the body does not parse',
  reportUnknownModule: 'Reports dropped: the agent holds no such module',
  reportUnknownHost: 'Reports dropped: the module has no such host',
  reportCallsCut: 'Calls in batch reports that were not counted, because one datagram told of too many',
  routeTruncated: 'getRoute answers that left hosts out to fit one datagram',
  sendError: 'Answers that could not be sent',
  kernelDrops: 'Datagrams that the kernel dropped because the receive buffer was full (conf key [udp] receive_buffer)',
  pulls: 'Routes asked of dnsserver',
  routeChanges: 'Route changes applied',
  transitionsToOverloaded: 'Hosts that became overloaded',
  transitionsToIdle: 'Hosts that became idle again',
  probes: 'Probes sent to ejected hosts (adaptive)',
  sheddings: 'Times a module began to refuse calls, because work waited at its hosts (adaptive)',
  transitionsUnlogged: 'Transitions that were counted but not logged, because too many came at once',
});
export type ShardCounter = (typeof shardCounters.names)[number];

export const shardGauges = defineCounters({
  modules: 'Modules with a route',
  hosts: 'Hosts in these modules',
  overloadedHosts: 'Hosts that get no ordinary calls now',
  absentModules: 'Modules known not to exist, remembered for a short time',
  waiting: 'Requests that wait for a route now',
});
export type ShardGauge = (typeof shardGauges.names)[number];

export const dnsCounters = defineCounters({
  requests: 'Routes asked of dnsserver',
  responses: 'Routes received, answers and pushes',
  notModified: 'Answers that said the route held is current',
  reconnects: 'Times the link to dnsserver came up',
  badFrames: 'Messages from dnsserver that did not parse',
  hostsRefused: 'Hosts left out of a route: they cannot be called, or their address or zone is too long',
  pullsRefused: 'Routes not asked because too many questions were open',
});
export type DnsCounter = (typeof dnsCounters.names)[number];

export const reporterCounters = defineCounters({
  reports: 'Status reports handed to this thread',
  sent: 'Status reports sent, repetitions included',
  acknowledged: 'Status reports that the reporter says it has stored',
  repeated: 'Status reports sent again after a reconnect',
  merged: 'Status reports merged into another one that was still waiting',
  unacknowledged: 'Status reports that were sent to a reporter which then fell silent, as those do that never acknowledge',
  dropped: 'Status reports lost because too much waited for the reporter',
  reconnects: 'Times the link to the reporter came up',
});
export type ReporterCounter = (typeof reporterCounters.names)[number];

export const linkGauges = defineCounters({
  linkUp: '1 while the TCP link stands',
  waiting: 'Questions or reports that wait for the peer',
});
export type LinkGauge = (typeof linkGauges.names)[number];
