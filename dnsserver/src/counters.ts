import { defineCounters } from '@lars/runtime/counters';

export const dnsserverCounters = defineCounters({
  requests: 'GetRouteRequests received',
  answers: 'Answers sent, of every kind',
  notModified: 'Answers that said: what you hold is current',
  unknownModule: 'Answers without hosts, because the module has none',
  subscriptionsRefused: 'Requests answered without subscribing, because max_subscriptions of that connection were reached',
  pushes: 'Routes sent to subscribers after a change, one per route and connection',
  pushedModules: 'Modules whose change was pushed to somebody',
  truncatedRoutes: 'Routes that did not fit into one message and were sent without their last hosts',
  changedModules: 'Modules that were found changed in the database',
  adoptedEdits: 'Modules changed by hand, to which dnsserver gave a revision',
  localVersions: 'Modules changed by hand, whose version is ours alone because the database takes no writes',
  reloads: 'Times that the whole table was read',
  rowsSkipped: 'Rows of RouteData left out because they make no sense',
  rowsDuplicate: 'Rows of RouteData left out because an earlier row names the same host',
  dbErrors: 'Looks at the database that failed',
  emptyGuardHolds: 'Times that an empty table was not believed',
  workerDeaths: 'Worker threads that died, and were started again',
  connectionsNotHandedOver: 'Connections closed because no worker thread could take them',
});
export type DnsserverCounter = (typeof dnsserverCounters.names)[number];

export const dnsserverGauges = defineCounters({
  modules: 'Modules that have hosts',
  hosts: 'Hosts in all routes',
  connections: 'Open connections',
  subscriptions: 'Subscriptions of all connections',
  revision: 'Revision of the database when it was last read',
  emptyGuard: '1 while an empty table is not believed',
  databaseDown: '1 while the database cannot be read',
});
export type DnsserverGauge = (typeof dnsserverGauges.names)[number];

/** What a worker thread alone knows and main shows. */
export const workerGauges = defineCounters({ subscriptions: 'Subscriptions of its connections' });
export type WorkerGauge = (typeof workerGauges.names)[number];
