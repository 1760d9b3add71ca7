// pure
/**
 * Where the numbers stand that are remembered of a module's hosts: in one array, first what the algorithm keeps of the module, then of each
 * host the few that a pick reads of all that it looks at, then a row for each host with the others. V8 keeps an array of doubles as it is, but
 * makes an object of 16 bytes for each double in a field, somewhere else in the memory: an agent may know half a million hosts, and what it
 * looks at comes from far away.
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
const COMMON: readonly number[] = [...NO_EVENTS, 0, 0, 0, 0];

// Of each host of the adaptive algorithm: what a pick reads of every host that it looks at, ...
export const PRICED_MS = 0;
export const REPORTED_AT_MS = PRICED_MS + 1;
/** Calls in flight. */
export const LOAD = REPORTED_AT_MS + 1;
/** When the oldest of them was sent, where there is one. */
export const OLDEST_AT_MS = LOAD + 1;

const NEVER = Number.NEGATIVE_INFINITY;

/** Of a host that has not been called yet. */
export const NEW_ADAPTIVE_BRIEF: readonly number[] = [0, NEVER, 0, NEVER];

// ... and the others.
export const FAILED_AT_MS = COMMON.length;
export const ERROR_RATE = FAILED_AT_MS + 1;
/** Reports that were learned from. */
export const REPORTS = ERROR_RATE + 1;
export const EVIDENCE = REPORTS + 1;
/** A mean of the durations that calls are priced by, and one of the last answers. */
export const DURATION = EVIDENCE + 1;
export const ANSWERS = DURATION + NO_MEAN.length;
export const THROUGHPUT = ANSWERS + NO_MEAN.length;

export const NEW_ADAPTIVE_ROW: readonly number[] = [...COMMON, ...[NEVER, 0, 0, 0], ...NO_MEAN, ...NO_MEAN, ...NO_THROUGHPUT];

// Of each host of the classic algorithm (LB-6 to LB-10).
/** 0 or 1. */
export const OVERLOADED = COMMON.length;
export const REAL_SUCC = OVERLOADED + 1;
export const REAL_ERR = REAL_SUCC + 1;
export const SUCC_RUN = REAL_ERR + 1;
export const ERR_RUN = SUCC_RUN + 1;
export const BAD_WINDOWS = ERR_RUN + 1;
/** When the idle window or the overload began. */
export const SINCE_MS = BAD_WINDOWS + 1;

export const NEW_CLASSIC_ROW: readonly number[] = [...COMMON, 0, 0, 0, 0, 0, 0, NEVER];
