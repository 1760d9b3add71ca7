import { ADAPTIVE_DEFAULTS, adaptiveBalancer } from '../../../agent/src/balancer/adaptive/adaptive.ts';
import { CLASSIC_DEFAULTS, classicBalancer } from '../../../agent/src/balancer/classic/classic.ts';
import { describeBalancer } from './balancer-contract.ts';

/** Moves hosts at the slightest occasion, so that random traces see many transitions. */
const JUMPY = {
  ...CLASSIC_DEFAULTS,
  probeNum: 2,
  initSuccCnt: 4,
  initErrCnt: 1,
  continErrLimit: 2,
  continSuccLimit: 2,
  idleTimeoutMs: 500,
  overloadTimeoutMs: 900,
};

describeBalancer('adaptive', adaptiveBalancer(ADAPTIVE_DEFAULTS));
describeBalancer('classic', classicBalancer(CLASSIC_DEFAULTS));
describeBalancer('classic, jumpy', classicBalancer(JUMPY));
