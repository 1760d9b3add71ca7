// Lets a simulator of the lbsim interface run the agent's own core: `node run.mjs --plugin .../lbsim-adapter.mjs --algo oracle,mine,rr`.
import { ADAPTIVE_DEFAULTS, adaptiveBalancer } from '../../agent/src/balancer/adaptive/adaptive.ts';
import { pluginOf } from './lbsim-plugin.mjs';

export const name = 'mine';
/** Passed on by the simulator as env.config: AdaptiveOptions that differ from the defaults. */
export const config = {};

export function create({ now, rng, config: options }) {
  return pluginOf(adaptiveBalancer({ ...ADAPTIVE_DEFAULTS, ...options })({ random: rng, onTransition() {} }), now);
}
