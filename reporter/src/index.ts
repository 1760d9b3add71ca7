export { type ReporterConfig, reporterConfigTable } from './config.ts';
export { type ReporterCounter, reporterCounters } from './counters.ts';
export { type ReporterDeps, type RunningReporter, startReporter } from './reporter.ts';
export type { ReporterStats } from './reporter-stats.ts';
export { type CallHistoryReader, openCallHistory } from './store/call-history-reader.ts';
export { openSqliteStatusStore } from './store/sqlite-status-store.ts';
export {
  type HistoryQuery,
  type HistoryRow,
  type PruneLimits,
  READ_MAX_ROWS,
  type StatusBatch,
  type StatusRow,
  type StatusStore,
} from './store/status-store.ts';
