import type { ClockSkew } from './ingest/clock-skews.ts';

/** The state of a running reporter, for people and metrics. */
export interface ReporterStats {
  readonly queueRows: number;
  readonly queueReports: number;
  readonly parkedResults: number;
  readonly connections: number;
  readonly agents: number;
  readonly rememberedCounters: number;
  /** Since the start, in all tables. */
  readonly rowsStored: number;
  /** Nothing is read from the agents, because the queue is full. */
  readonly paused: boolean;
  /** The agents' machine whose clock differs most from ours; undefined where none differs much. */
  readonly clockSkew: ClockSkew | undefined;
  /** Which operation of the database fails now, and why; undefined when all work. */
  readonly outage: string | undefined;
  /** The last error of the database, however long ago; undefined when there was none. */
  readonly lastError: string | undefined;
}
