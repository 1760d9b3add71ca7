// Lets a simulator of the lbsim interface run the agent's core with callers that keep copies of the route, as the client's cache does.
import { ADAPTIVE_DEFAULTS, adaptiveBalancer } from '../../agent/src/balancer/adaptive/adaptive.ts';
import { cached } from './contenders/cached.ts';
import { pluginOf } from './lbsim-plugin.mjs';

const PROCESSES = 4;

export const name = 'mine';
/** Passed on by the simulator as env.config: AdaptiveOptions that differ from the defaults. */
export const config = {};

export function create({ now, rng, config: options }) {
  const agent = cached(adaptiveBalancer({ ...ADAPTIVE_DEFAULTS, ...options }), PROCESSES);
  return pluginOf(agent({ random: rng, onTransition() {} }), now);
}
