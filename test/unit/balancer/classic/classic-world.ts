import type { HostInfo } from '@lars/proto';
import { CLASSIC_DEFAULTS, type ClassicOptions, classicBalancer } from '../../../../agent/src/balancer/classic/classic.ts';
import { host, hostsUpTo, World } from '../world.ts';

export const A: HostInfo = host(1);
export const B: HostInfo = host(2);

const NEVER = Number.MAX_SAFE_INTEGER;

/** The shipped values, but nothing moves a host. */
export const QUIET: ClassicOptions = {
  ...CLASSIC_DEFAULTS,
  errRate: 1,
  succRate: 1,
  continErrLimit: NEVER,
  continSuccLimit: NEVER,
  idleTimeoutMs: NEVER,
  overloadTimeoutMs: NEVER,
};

/** A world of quiet hosts (A, B, ...) in which only the rules move them that `options` name. */
export function only(options: Partial<ClassicOptions>, hostCount = 1): World {
  return new World(classicBalancer({ ...QUIET, ...options }), hostsUpTo(hostCount));
}

export function causes(world: World): string[] {
  return world.transitions.map(transition => transition.cause);
}
