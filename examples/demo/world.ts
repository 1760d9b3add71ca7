/** All that the demo needs, wired and running: LARS, the servers, the client, the callers, and who keeps the score. */
import { LarsClient } from '@lars/client-sdk';
import type { Logger } from '@lars/runtime/log';
import { Business } from './business.ts';
import { type HttpFleet, startFleet } from './http-fleet.ts';
import { type Lars, startLars } from './lars.ts';
import { seededRandom } from './random.ts';
import { Scoreboard } from './scoreboard.ts';
import { WELL } from './troubles.ts';

export interface WorldOptions {
  readonly hosts: number;
  readonly ratePerSecond: number;
  readonly seed: number;
  readonly log: Logger;
  /** How long a call may take, the question to the agent included; 1,000 unless told. */
  readonly callTimeoutMs?: number;
  /** How many calls there may be at a time; by default enough for the rate while hosts answer as they should. */
  readonly callers?: number;
  /** See LarsOptions. */
  readonly loadbalance?: readonly string[];
}

export interface World {
  readonly lars: Lars;
  readonly fleet: HttpFleet;
  readonly client: LarsClient;
  readonly score: Scoreboard;
  /** Lets the calls in flight end, and their reports reach the agent and the reporter's database; stops all but the database. */
  finish(): Promise<void>;
  /** Stops everything at once, whatever it does, and removes what it made. After finish it only removes. */
  remove(): Promise<void>;
}

export const MODULE = { modid: 1, cmdid: 1 } as const;
export const WINDOW_MS = 1_000;

const MIN_CALLERS = 16;
/** A caller has time for several times as many; so the rate holds while hosts answer as they should. */
const CALLS_PER_CALLER = 25;
const DEFAULT_CALL_TIMEOUT_MS = 1_000;

/** Resolves when the callers have begun. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const { hosts, ratePerSecond, seed, log, loadbalance = [], callTimeoutMs = DEFAULT_CALL_TIMEOUT_MS } = options;
  const { modid, cmdid } = MODULE;
  await using starting = new AsyncDisposableStack();
  const fleet = starting.adopt(await startFleet({ hosts, behaviour: WELL, random: seededRandom(seed) }), started =>
    started.stop(),
  );
  const lars = starting.adopt(await startLars({ log, loadbalance }), started => started.remove());
  const client = starting.use(new LarsClient({ ports: lars.udpPorts, timeoutMs: callTimeoutMs }));
  const authorities = fleet.hosts.map(host => host.authority);
  await lars.addRoute(modid, cmdid, authorities);
  await client.register(modid, cmdid);
  const score = new Scoreboard(authorities, WINDOW_MS);
  const callers = options.callers ?? Math.max(MIN_CALLERS, Math.ceil(ratePerSecond / CALLS_PER_CALLER));
  const calling = { callers, ratePerSecond, timeoutMs: callTimeoutMs, nowMs: () => performance.now() };
  const business = starting.adopt(new Business({ client, ...MODULE, ...calling, observer: score }), begun => begun.giveUp());
  const running = starting.move();
  return {
    lars,
    fleet,
    client,
    score,
    finish: async () => {
      await business.stop();
      // The agent reads what a socket sends in its order: when this is answered, it has taken every report before it.
      await client.getRoute(modid, cmdid);
      await client.close();
      await lars.stop();
      await fleet.stop();
    },
    remove: () => running.disposeAsync(),
  };
}

/** Fires with the reason when a service of this LARS has ended by itself. */
export function failureOf({ lars }: Pick<World, 'lars'>): AbortSignal {
  const controller = new AbortController();
  void lars.failed.then(error => controller.abort(error));
  return controller.signal;
}
