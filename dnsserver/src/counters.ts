// pure
import { defineCounters } from '@lars/runtime/counters';

export const dnsserverCounters = defineCounters({
  requests: 'GetRouteRequests received',
  answers: 'Answers sent, of every kind',
  notModified: 'Answers that the version the agent knows is current',
  unknownModule: 'Answers without hosts, because the module has none',
  subscriptionsRefused: 'Requests answered without subscribing, because max_subscriptions of that connection were reached',
  pushes: 'Routes sent to subscribers after a change, one per route and connection',
  pushedModules: 'Modules whose change was pushed to at least one subscriber',
  truncatedRoutes: 'Routes that did not fit into one message and were sent without their last hosts',
  changedModules: 'Modules that were found changed in the database',
  versionedEdits: 'Modules changed by hand, to which dnsserver gave a revision',
  localVersions: 'Modules changed by hand, whose version is local because the database takes no writes',
  reloads: 'Times that the whole table was read',
  rowsSkipped: 'Rows of RouteData skipped because they are invalid',
  rowsDuplicate: 'Rows of RouteData skipped because an earlier row names the same host',
  dbErrors: 'Polls of the database that failed',
  emptyGuardActivations: 'Times that the removal guard kept hosts that vanished from the table in great numbers',
  workerDeaths: 'Worker threads that died, and were started again',
  connectionsNotHandedOver: 'Connections closed because no worker thread could take them',
});
export type DnsserverCounter = (typeof dnsserverCounters.names)[number];

/** The names that metrics had before they were renamed; they are shown beside the new names for one release. */
export const FORMER_METRIC_NAMES = {
  versionedEdits: 'adoptedEdits',
  emptyGuardActivations: 'emptyGuardHolds',
} as const;

export const dnsserverGauges = defineCounters({
  modules: 'Modules that have hosts',
  hosts: 'Hosts in all routes',
  connections: 'Open connections',
  subscriptions: 'Subscriptions of all connections',
  revision: 'Revision of the database when it was last read',
  emptyGuard: '1 while the removal guard keeps hosts that the table has not',
  keptModules: 'Modules of which the removal guard keeps hosts',
  keptHosts: 'Hosts that the removal guard keeps',
  databaseDown: '1 while the database cannot be read',
});
export type DnsserverGauge = (typeof dnsserverGauges.names)[number];

/** What a worker thread alone knows and main shows. */
export const workerGauges = defineCounters({ subscriptions: 'Subscriptions of its connections' });
export type WorkerGauge = (typeof workerGauges.names)[number];
