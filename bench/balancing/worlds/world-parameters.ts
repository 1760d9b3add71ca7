// pure
/**
 * A random world before it is built: plain numbers, which a search can change, a person can read, and a command can play again. All of
 * them are per world; where in time oddities and faults fall, and on which hosts, follows from the seed.
 */

export const KINDS = ['well', 'troubled'] as const;
/** `well`: spare capacity all the time, so nobody needs to be refused. `troubled`: the same, but for a while some hosts are at fault. */
export type Kind = (typeof KINDS)[number];

export interface WorldParameters {
  readonly kind: Kind;
  /** Of everything that is left to chance, in the world and in its calls. */
  readonly seed: number;
  readonly hosts: number;
  readonly agents: number;
  /** Per host. */
  readonly workers: number;
  /** Mean time of one call in service, of the fastest hosts. */
  readonly serviceMs: number;
  readonly roundTripMs: number;
  /** The slowest hosts take this many times as long as the fastest; 1 where all are equal. */
  readonly inequality: number;
  readonly work: WorkShape;
  readonly ratePerSec: number;
  readonly durationMs: number;
  /** The timeout, in the slowest ordinary durations. */
  readonly timeoutFactor: number;
  readonly errorRate: number;
  /** How long an error takes, in ordinary durations. */
  readonly errorWork: number;
  readonly reportLoss: number;
  readonly reportsTcost: boolean;
  /** From some moment on all hosts are this many times slower for good; 1 for never. */
  readonly regression: number;
  /** For a quarter of the time this many times as many calls come; 1 for never. */
  readonly burst: number;
  /** How often, for a short while, all hosts err in a quarter of their calls. */
  readonly sharedErrors: number;
  readonly pauses: Pauses | null;
  /** Null in a well world, and only there. */
  readonly fault: Fault | null;
}

export type WorkShape =
  | { readonly shape: 'constant' | 'exponential' }
  | { readonly shape: 'lognormal'; readonly variation: number }
  | { readonly shape: 'two sizes'; readonly share: number; readonly ratio: number };

/** Short times in which a host is slow, as while garbage is collected. */
export interface Pauses {
  readonly whose: 'one host' | 'all hosts';
  readonly slowness: number;
  readonly lengthMs: number;
}

export interface Fault {
  readonly how: 'refuses' | 'is silent' | 'errs' | 'is slow';
  /** How many hosts it meets at once. */
  readonly hosts: number;
  /** Of `errs`: the probability of an error. */
  readonly errorRate: number;
}

/** Three digits are exact enough, and can be read and typed. */
export function threeDigits(value: number): number {
  return Number(value.toPrecision(3));
}
