/** The state of a running dnsserver, for people and metrics. */
export interface DnsserverStats {
  readonly modules: number;
  readonly hosts: number;
  readonly connections: number;
  /** The connections of each worker thread; empty where the main thread serves all. */
  readonly workerConnections: readonly number[];
  readonly subscriptions: number;
  readonly revision: number;
  /** What the removal guard keeps; all 0 when that is nothing. */
  readonly kept: { readonly modules: number; readonly hosts: number; readonly sinceMs: number };
  /** Why the database cannot be read; undefined when it can. */
  readonly outage: string | undefined;
}
