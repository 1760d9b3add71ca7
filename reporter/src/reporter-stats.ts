/** How a running reporter is, for people and metrics. */
export interface ReporterStats {
  readonly queueRows: number;
  readonly queueReports: number;
  readonly heldResults: number;
  readonly connections: number;
  readonly agents: number;
  readonly rememberedCounters: number;
  /** Since the start, in all tables. */
  readonly rowsStored: number;
  /** Nothing is read from the agents, because the queue is full. */
  readonly paused: boolean;
  /** What the database does not do now, and why; undefined when it does everything. */
  readonly outage: string | undefined;
  /** The last error of the database, however long ago; undefined when there was none. */
  readonly lastError: string | undefined;
}
