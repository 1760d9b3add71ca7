// pure
/** Worlds that a search found and made simple: each was the undoing of some algorithm that fared well in hundreds of random ones. */
import type { WorldParameters } from './world-parameters.ts';

export interface FoundWorld {
  /** What happened there. */
  readonly about: string;
  readonly world: WorldParameters;
}

const PLAIN: WorldParameters = {
  kind: 'well',
  seed: 1,
  hosts: 1,
  agents: 1,
  workers: 1,
  serviceMs: 10,
  roundTripMs: 0.3,
  inequality: 1,
  work: { shape: 'constant' },
  ratePerSec: 100,
  durationMs: 10_000,
  timeoutFactor: 10,
  errorRate: 0,
  errorWork: 1,
  reportLoss: 0,
  reportsTcost: true,
  regression: 1,
  burst: 1,
  pauses: null,
  sharedErrors: 0,
  fault: null,
};

export const FOUND_WORLDS: readonly FoundWorld[] = [
  {
    about: 'errors as slow as answers that never vary were taken for timeouts of a host with too much to do',
    world: { ...PLAIN, seed: 895_518, workers: 13, serviceMs: 30, ratePerSec: 300, durationMs: 6_000, errorRate: 0.002 },
  },
  {
    about: 'the same, after all hosts had become five times slower for good',
    world: {
      ...PLAIN,
      seed: 602_812,
      workers: 10,
      serviceMs: 5,
      ratePerSec: 300,
      durationMs: 13_000,
      timeoutFactor: 7,
      errorRate: 0.02,
      regression: 5,
    },
  },
  {
    about: 'a moment in which all hosts erred was taken for one in which all had too much to do',
    world: {
      ...PLAIN,
      seed: 71,
      hosts: 2,
      workers: 5,
      serviceMs: 0.24,
      roundTripMs: 0.119,
      work: { shape: 'lognormal', variation: 0.418 },
      ratePerSec: 30_000,
      durationMs: 161,
      reportLoss: 0.065_1,
      sharedErrors: 1,
    },
  },
  {
    about: 'calls were refused by hosts that had become slower for good, and after the fault of another',
    world: {
      ...PLAIN,
      kind: 'troubled',
      seed: 944_015,
      hosts: 5,
      workers: 8,
      serviceMs: 6,
      roundTripMs: 0.05,
      ratePerSec: 900,
      durationMs: 3_000,
      errorRate: 0.024_4,
      regression: 4.33,
      fault: { how: 'refuses', hosts: 1, errorRate: 0.432 },
    },
  },
];
