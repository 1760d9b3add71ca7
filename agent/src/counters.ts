// pure
import { defineCounters } from '@lars/runtime/counters';
import type { FormerNames } from '@lars/runtime/http/metrics';

/** What a shard thread counts. */
export const shardCounters = defineCounters({
  getHost: 'getHost requests',
  getHostLooks: 'getHost requests that only look, for which no host is picked; not among the others',
  getRoute: 'getRoute requests from business code',
  reportedCalls: 'Calls whose results were reported and counted',
  simulatedCalls: 'Calls of lars simulate whose results were reported; not among the others',
  answeredSuccess: 'getHost answers with a host',
  answeredOverload: 'getHost answers OVERLOAD: no host of the module may be called',
  refusedQueue:
    'Of these, answers OVERLOAD because work waits at the hosts (adaptive); the others had no host that may be called',
  answeredNoExist: 'getHost answers NOEXIST: the module has no hosts, as far as the agent knows',
  answeredError: 'getHost answers SYSTEM_ERROR: only hosts whose address the caller does not understand',
  parked: 'Requests parked until the first route of their module arrived',
  parkingRefused: 'Requests answered at once instead of being parked, because too many were parked already',
  misrouted: 'Datagrams for a module that another shard owns, forwarded to it',
  misroutedDropped: 'Datagrams for a module that another shard owns, dropped because too many waited for it',
  senderRefused: 'Datagrams dropped: their sender is outside of [udp] allow',
  badLength: 'Datagrams dropped: shorter than a header, or not as long as the header says',
  badMessageId: 'Datagrams dropped: a message id that business code does not send',
  badBody: 'Datagrams dropped: the body does not parse',
  reportUnknownModule: 'Reports dropped: the agent knows no such module',
  reportUnknownHost: 'Reports dropped: the module has no such host',
  reportCallsCut: 'Calls in batch reports that were not counted, because one datagram reported too many',
  routeTruncated: 'getRoute answers that left hosts out to fit one datagram',
  sendError: 'Answers that could not be sent',
  kernelDrops: 'Datagrams that the kernel dropped because the receive buffer was full (conf key [udp] receive_buffer)',
  routeFetches: 'Routes asked of dnsserver',
  routeChanges: 'Route updates applied',
  ejections: 'Hosts that were ejected',
  recoveries: 'Ejected hosts that were readmitted',
  probes: 'Probes sent to ejected hosts (adaptive)',
  sheddings: 'Times a module began to refuse calls, because work waited at its hosts (adaptive)',
  transitionsUnlogged: 'Transitions that were counted but not logged, because too many came at once',
});
export type ShardCounter = (typeof shardCounters.names)[number];

export const shardGauges = defineCounters({
  modules: 'Modules with a route',
  hosts: 'Hosts in these modules',
  ejectedHosts: 'Hosts that get probes alone now',
  sheddingModules: 'Modules that refuse calls now, because work waits at their hosts (adaptive)',
  absentModules: 'Modules known not to exist, remembered for a short time',
  oldRoutes: 'Modules whose route the agent knew earlier, and dnsserver has not confirmed since',
  oldRoutesAgeSeconds: 'Since when the oldest of these routes was not confirmed, seconds; 0 while no route is old',
  waiting: 'Requests that are parked until a route arrives, now',
});
export type ShardGauge = (typeof shardGauges.names)[number];

export const dnsCounters = defineCounters({
  requests: 'Routes asked of dnsserver',
  responses: 'Routes received, answers and pushes',
  notModified: 'Answers that said the known route is current',
  reconnects: 'Times the link to dnsserver came up',
  failovers: 'Times a later dnsserver of the list was taken, because those before it did not answer',
  returns: 'Times an earlier dnsserver of the list was taken again',
  badFrames: 'Messages from dnsserver that did not parse',
  hostsRefused: 'Hosts left out of a route: they cannot be called, or their address or zone is too long',
  storedRoutes: 'Routes taken from what the agent knew earlier, because dnsserver was away',
  storedRoutesDropped: 'Routes that are not kept for the next start, because there are too many',
  queriesRefused: 'Queries for modules that may not exist, given up because too many were open',
});
export type DnsCounter = (typeof dnsCounters.names)[number];

export const reporterCounters = defineCounters({
  reports: 'Status reports handed to this thread',
  sent: 'Status reports sent, repetitions included',
  acknowledged: 'Status reports that the reporter says it has stored',
  repeated: 'Status reports sent again after a reconnect',
  merged: 'Status reports merged into another one that was still unsent',
  unacknowledged: 'Status reports that were sent to a reporter which then fell silent, as those do that never acknowledge',
  dropped: 'Status reports lost because too much waited for the reporter',
  reconnects: 'Times the link to the reporter came up',
  failovers: 'Times a later reporter of the list was taken, because those before it did not answer',
  returns: 'Times an earlier reporter of the list was taken again',
});
export type ReporterCounter = (typeof reporterCounters.names)[number];

export const linkGauges = defineCounters({
  linkUp: '1 while the TCP link stands',
  waiting: 'Queries or reports that wait for the server',
  server: 'Which server of the list is used, counted from 1; 0 while none is',
  serverSinceTimestampSeconds: 'Since when that is so, unix seconds; 0 before the first',
  downServers:
    'Servers of the list that did not answer when they were tried last: the sum of 1 for the first, 2 for the second, 4 for the third, ...',
});
export type LinkGauge = (typeof linkGauges.names)[number];

/** The names that counters had before they were renamed. Metrics show both until the next release. */
export const FORMER_NAMES = {
  shardCounters: {
    reportedCalls: 'report',
    parked: 'held',
    parkingRefused: 'heldRefused',
    routeFetches: 'pulls',
    ejections: 'transitionsToOverloaded',
    recoveries: 'transitionsToIdle',
  },
  shardGauges: { ejectedHosts: 'overloadedHosts' },
  dnsCounters: { queriesRefused: 'pullsRefused' },
} as const satisfies {
  readonly shardCounters: FormerNames<ShardCounter>;
  readonly shardGauges: FormerNames<ShardGauge>;
  readonly dnsCounters: FormerNames<DnsCounter>;
};
