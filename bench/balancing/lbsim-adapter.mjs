// Lets a simulator of the lbsim interface run the agent's own core: `node run.mjs --plugin .../lbsim-adapter.mjs --algo oracle,mine,rr`.
import { hostKey, parseIpv4 } from '@lars/proto';
import { ADAPTIVE_DEFAULTS, adaptiveBalancer } from '../../agent/src/balancer/adaptive.ts';

export const name = 'mine';
/** Passed on by the simulator as env.config: AdaptiveOptions that differ from the defaults. */
export const config = {};

export function create({ now, rng, config: options }) {
  const balancer = adaptiveBalancer({ ...ADAPTIVE_DEFAULTS, ...options })({ random: rng, onTransition() {} });
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
      balancer.setHosts(hosts.map(hostInfo), now());
    },
    pick() {
      const host = balancer.pick(now());
      return host === undefined ? null : theirs.get(hostKey(host));
    },
    report(host, ok, ms) {
      balancer.report(keys.get(host) ?? hostKey(hostInfo(host)), ok, ms, now());
    },
  };
}

function hostInfo({ ip, port, weight }) {
  return { ip: parseIpv4(ip), port, weight, addr: '', zone: '', drain: false };
}
