// What a simulator of the lbsim interface asks of an algorithm, answered by a balancer of ours.
import { hostKey, parseIpv4 } from '@lars/proto';

/** @param balancer see agent/src/balancer/balancer.ts; @param now virtual time, ms */
export function pluginOf(balancer, now) {
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
