// Lets a simulator of the lbsim interface run the agent's core with callers that keep copies of the route, as the client's cache does.
import { hostKey, parseIpv4 } from '@lars/proto';
import { ADAPTIVE_DEFAULTS, adaptiveBalancer } from '../../agent/src/balancer/adaptive.ts';
import { cached } from './contenders/cached.ts';

const PROCESSES = 4;

export const name = 'mine';
/** Passed on by the simulator as env.config: AdaptiveOptions that differ from the defaults. */
export const config = {};

export function create({ now, rng, config: options }) {
  const agent = cached(adaptiveBalancer({ ...ADAPTIVE_DEFAULTS, ...options }), PROCESSES)({ random: rng, onTransition() {} });
  /** The simulator's hosts by key, and their keys. */
  const theirs = new Map();
  const keys = new Map();

  return {
    update(hosts) {
      for (const host of hosts) {
        const key = hostKey(hostInfo(host));
        theirs.set(key, host);
        keys.set(host, key);
      }
      agent.setHosts(hosts.map(hostInfo), now());
    },
    pick() {
      const host = agent.pick(now());
      return host === undefined ? null : theirs.get(hostKey(host));
    },
    report(host, ok, ms) {
      agent.report(keys.get(host) ?? hostKey(hostInfo(host)), ok, ms, now());
    },
  };
}

function hostInfo({ ip, port, weight }) {
  return { ip: parseIpv4(ip), port, weight, addr: '', zone: '', drain: false };
}
