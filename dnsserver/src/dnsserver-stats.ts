/** The state of a running dnsserver, for people and metrics. */
export interface DnsserverStats {
  readonly modules: number;
  readonly hosts: number;
  readonly connections: number;
  /** The connections of each worker thread; empty where the main thread serves all. */
  readonly workerConnections: readonly number[];
  readonly subscriptions: number;
  readonly revision: number;
  /** The table reads empty, and the empty guard keeps the old routes. */
  readonly emptyGuard: boolean;
  /** Why the database cannot be read; undefined when it can. */
  readonly outage: string | undefined;
}
