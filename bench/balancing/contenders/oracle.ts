// pure
import type { HostInfo } from '@lars/proto';
import type { BalancerFactory } from '../../../agent/src/balancer/balancer.ts';
import type { Random } from '../sim/random.ts';
import type { Scenario } from '../sim/scenario.ts';
import type { SimHost } from '../sim/sim-host.ts';
import type { World } from '../sim/world.ts';
import { RoundRobin } from './round-robin.ts';

/** A lost call is as bad as waiting for so many timeouts. */
const LOSS_IN_TIMEOUTS = 20;
/** A call that could only begin after this share of its timeout is refused. The lines stay filled, so no capacity is lost. */
const LATEST_START = 0.5;

/**
 * A balancer that cheats: it sees every host as it truly is now, with its line and its errors, though neither the future nor what a
 * call will bring. What it loses, nobody could have saved; other algorithms are measured against it.
 */
export function oracle(world: World, scenario: Scenario): BalancerFactory {
  return environment => new Oracle(world, scenario, environment.random);
}

class Oracle extends RoundRobin {
  readonly #world: World;
  readonly #scenario: Scenario;
  readonly #random: Random;

  constructor(world: World, scenario: Scenario, random: Random) {
    super();
    this.#world = world;
    this.#scenario = scenario;
    this.#random = random;
  }

  /** The host with the lowest expected cost. The search begins anywhere, so that equal hosts get equal shares. */
  override pick(nowMs: number): HostInfo | undefined {
    const hosts = this.#world.hosts;
    const offset = Math.floor(this.#random() * hosts.length);
    let best: SimHost | undefined;
    let bestMs = Number.POSITIVE_INFINITY;
    for (let turn = 0; turn < hosts.length; turn++) {
      const host = hosts[(offset + turn) % hosts.length] as SimHost;
      const costMs = this.#costMs(host, nowMs);
      if (costMs >= bestMs) continue;
      best = host;
      bestMs = costMs;
    }
    return best?.info;
  }

  #costMs(host: SimHost, nowMs: number): number {
    if (!host.inRoute || !host.isUp || host.isFull) return Number.POSITIVE_INFINITY;
    const { timeoutMs, roundTripMs, work } = this.#scenario;
    const waitMs = host.expectedWaitMs(nowMs);
    if (waitMs > timeoutMs * LATEST_START) return Number.POSITIVE_INFINITY;
    const serviceMs = host.spec.serviceMs * host.slownessAt(nowMs);
    const late = work.tail((timeoutMs - roundTripMs - waitMs) / serviceMs);
    const loss = 1 - (1 - host.errorRateAt(nowMs)) * (1 - late);
    return waitMs + serviceMs + loss * timeoutMs * LOSS_IN_TIMEOUTS;
  }
}
