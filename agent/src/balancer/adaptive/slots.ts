// pure
/**
 * The slots of the adaptive algorithm (see host-slots.ts): the name, the meaning and, in the lists at the end of each part, the initial value of each.
 * Times are monotonic milliseconds, durations milliseconds.
 */

import { COMMON_SLOTS, type SlotLayout } from '../host-slots.ts';
import { NO_RESULTS } from './recent-results.ts';

const NEVER = Number.NEGATIVE_INFINITY;

// The adaptive algorithm's module-wide numbers.
/** Mean duration of the module's answers; 0 before the first. */
export const TYPICAL_MS = 0;
/** Longest duration of about the last thousand reports; 0 before the first. */
export const SLOWEST_MS = 1;
/** TYPICAL_MS of quiet times, and when it was updated last. */
export const NORMAL_MS = 2;
export const NORMAL_AT_MS = 3;
/** Answers learned from, up to the warm-up's length. */
export const ANSWERS = 4;
/** Counts the agent's picks, and the results of picks from copies. A host's PICKED_TURN is this count at its last pick. */
export const TURN = 5;
/** Price of the cheap hosts (price.ts). */
export const CHEAP_PRICE = 6;
/** State of the random number generator. */
export const PRNG_STATE = 7;
/** Of about the last thousand picks: calls that nobody reported, and reports that belonged to no pick. */
export const UNREPORTED = 8;
export const UNPICKED = 9;
/** Of them too: reports of calls that were given up, and were quick all the same: they came late. */
export const LATE = 10;
/** Share of the reports whose duration is longer than the call was under way. */
export const IMPOSSIBLE_SHARE = 11;
/** 1 when any call of the module has succeeded. */
export const HAS_ANSWERED = 12;
/** 1 when the last report told how long the call took. */
export const DURATIONS_TOLD = 13;

const NEW_MODULE: readonly number[] = [0, 0, 0, NEVER, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

// What a pick reads of every host that it looks at.
/** Expected duration, with the surcharge for errors. */
export const PRICED_MS = 0;
export const REPORTED_AT_MS = 1;
/** Calls in flight. */
export const IN_FLIGHT = 2;
/** When the oldest of them was sent, where there is one. */
export const OLDEST_AT_MS = 3;
/** TURN of its last pick. */
export const PICKED_TURN = 4;
/** Calls that were given up and may still be reported. */
export const GIVEN_UP = 5;

const NEW_PICK_SLOTS: readonly number[] = [0, NEVER, 0, NEVER, 0, 0];

/** A throughput in `cells` at `at`: the most answers of an earlier window, faded; the answers in this window; when it began. */
export const NO_THROUGHPUT = [0, 0, Number.NEGATIVE_INFINITY] as const;

// The rest of what the adaptive algorithm knows of a host.
/** Share of failures in about the last 32 reports. */
export const ERROR_RATE = COMMON_SLOTS.length;
/** Evidence that the host errs more than is normal, nats. */
export const EVIDENCE = ERROR_RATE + 1;
/** Mean duration of about the last ten answers and lost calls, and behind it when the last one came (durations.ts). */
export const DURATION = EVIDENCE + 1;
/** Answers per window (durations.ts). */
export const THROUGHPUT = DURATION + 2;
/** When the latest call was sent that it has answered, and when its last answer came. */
export const ANSWERED_SENT_MS = THROUGHPUT + NO_THROUGHPUT.length;
export const ANSWERED_AT_MS = ANSWERED_SENT_MS + 1;
/** When its last quick answer came, and how many slow ones came since. */
export const QUICK_AT_MS = ANSWERED_AT_MS + 1;
export const SLOW_RUN = QUICK_AT_MS + 1;
/** Calls in flight that it served lately while it answered quickly. */
export const QUICK_IN_FLIGHT = SLOW_RUN + 1;
/** How its last calls went (recent-results.ts). */
export const RESULTS = QUICK_IN_FLIGHT + 1;

const NEW_ROW: readonly number[] = [...COMMON_SLOTS, 0, 0, 0, NEVER, ...NO_THROUGHPUT, NEVER, NEVER, NEVER, 0, 0, NO_RESULTS];

export const ADAPTIVE_SLOTS: SlotLayout = { module: NEW_MODULE, pick: NEW_PICK_SLOTS, row: NEW_ROW };

const MODULE_LENGTH = NEW_MODULE.length;
const PICK_LENGTH = NEW_PICK_SLOTS.length;

/** Where the slots of a host begin that every pick reads. */
export function pickSlots(host: number): number {
  return MODULE_LENGTH + host * PICK_LENGTH;
}
