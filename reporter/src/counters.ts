import { defineCounters } from '@lars/runtime/counters';

export const reporterCounters = defineCounters({
  reports: 'Reports received',
  results: 'Results of single hosts in them',
  duplicates: 'Reports that came again and were not counted again',
  rowsSkipped:
    'Results left out: a port outside 1..65535, neither ip nor addr, an addr too long or no text, a tcost above 2^53 - 1, or too many hosts of one module',
  badNumbers:
    'Reports whose number is further above the last one than their agent can have come meanwhile; their connection is closed',
  badTimestamps: 'Reports filed under the minute of their arrival, because theirs is in the future or long past',
  countersForgotten: 'Hosts of agents without numbers whose last counts were forgotten to make room',
  pauses: 'Times that reading from the agents was stopped, because the queue was full',
  flushes: 'Batches stored',
  rowsStored: 'Rows stored, in all tables',
  flushErrors: 'Attempts to store a batch that failed',
  lookupErrors: 'Attempts to look up the last report of agents that failed',
  acks: 'Acknowledgements sent',
  rowsPruned: 'Rows of the history and of agents that were removed because of their age',
  checkErrors: 'Times that the database file was found deleted or replaced, or could not be opened then',
  pruneErrors: 'Attempts to remove old rows that failed',
});
export type ReporterCounter = (typeof reporterCounters.names)[number];

export const reporterGauges = defineCounters({
  queueRows: 'Rows that wait to be stored',
  queueReports: 'Reports that were merged into them',
  parkedResults: 'Results that wait until the last report of their agent is looked up',
  connections: 'Open connections',
  agents: 'Agents that are known by name',
  rememberedCounters: 'Hosts of agents without numbers whose last counts are remembered',
  paused: '1 while nothing is read from the agents, because the queue is full',
  databaseDown: '1 while an operation of the database fails',
});

/** The names that metrics had before they were renamed; they are shown beside the new names for one release. */
export const FORMER_GAUGE_NAMES = { parkedResults: 'heldResults' } as const;
export type ReporterGauge = (typeof reporterGauges.names)[number];
