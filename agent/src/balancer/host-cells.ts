// pure
/**
 * Where the numbers stand that are remembered of one host. They are in one array, because V8 keeps an array of doubles as it is, but makes
 * an object of 16 bytes for each double in a field, somewhere else in the memory: an agent may know half a million hosts, and looks at
 * several in a pick. Hosts that have not been called yet share one array.
 */
import { NO_MEAN } from './decaying-mean.ts';
import { NO_EVENTS } from './recent-count.ts';
import { NO_THROUGHPUT } from './throughput.ts';

// Of each host, whatever the algorithm: its recent picks, and what was counted since that was taken last.
export const PICKS = 0;
export const SUCC = PICKS + NO_EVENTS.length;
export const ERR = SUCC + 1;
export const TCOST_MS = ERR + 1;
export const PROBES = TCOST_MS + 1;

/** Write to a copy only. One of them is no integer, so that V8 makes doubles of all. */
export const UNCALLED: readonly number[] = [...NO_EVENTS, 0, 0, 0, 0];

// Of each host of the adaptive algorithm. What a pick reads of every host that it looks at comes first.
export const PRICED_MS = UNCALLED.length;
export const REPORTED_AT_MS = PRICED_MS + 1;
export const FAILED_AT_MS = REPORTED_AT_MS + 1;
export const ERROR_RATE = FAILED_AT_MS + 1;
/** Reports that were learned from. */
export const REPORTS = ERROR_RATE + 1;
export const EVIDENCE = REPORTS + 1;
export const SENT_AT_MS = EVIDENCE + 1;
/** A mean of the durations that calls are priced by, and one of the last answers. */
export const DURATION = SENT_AT_MS + 1;
export const ANSWERS = DURATION + NO_MEAN.length;
export const THROUGHPUT = ANSWERS + NO_MEAN.length;

const NEVER = Number.NEGATIVE_INFINITY;

/** Write to a copy only. */
export const UNCALLED_ADAPTIVE: readonly number[] = [
  ...UNCALLED,
  ...[0, NEVER, NEVER, 0, 0, 0, NEVER],
  ...NO_MEAN,
  ...NO_MEAN,
  ...NO_THROUGHPUT,
];
