/** How a running dnsserver is, for people and metrics. */
export interface DnsserverStats {
  readonly modules: number;
  readonly hosts: number;
  readonly connections: number;
  /** The same for each worker thread; empty where the main thread serves all. */
  readonly workerConnections: readonly number[];
  readonly subscriptions: number;
  readonly revision: number;
  /** An empty table is not believed. */
  readonly emptyGuard: boolean;
  /** Why the database cannot be read; undefined when it can. */
  readonly outage: string | undefined;
}
