/** All that the demo needs, wired and running: LARS, the servers, the client, the callers, and the scoreboard. */
import { LarsClient } from '@lars/client-sdk';
import type { Logger } from '@lars/runtime/log';
import { Business } from './business.ts';
import { type HttpFleet, startFleet } from './http-fleet.ts';
import { type Lars, startLars } from './lars.ts';
import { seededRandom } from './random.ts';
import { RoundRobin } from './round-robin.ts';
import { Scoreboard } from './scoreboard.ts';
import { WELL } from './troubles.ts';

/** Servers, and callers who call them once they have begun. */
export interface World {
  readonly fleet: HttpFleet;
  readonly score: Scoreboard;
  /** Undefined where the callers do without LARS. */
  readonly lars: Lars | undefined;
  /** The callers begin. Where there are several worlds, not before the last one is ready: to start one keeps the process from all else. */
  begin(): void;
  /** Lets the calls in flight end, and their reports reach the agent and the reporter's database; stops all but the database. */
  finish(): Promise<void>;
  /** Stops everything at once, whatever it does, and removes what it made. After finish it only removes. */
  remove(): Promise<void>;
}

/** A world in which the callers ask LARS. */
export interface LarsWorld extends World {
  readonly lars: Lars;
  readonly client: LarsClient;
}

export interface WorldOptions {
  readonly hosts: number;
  readonly ratePerSecond: number;
  readonly seed: number;
  /** How long a call may take, the request to the agent included; 1,000 by default. */
  readonly callTimeoutMs?: number;
  /** How many calls there may be at a time; by default enough for the rate while hosts answer as they should. */
  readonly callers?: number;
}

export interface LarsWorldOptions extends WorldOptions {
  readonly log: Logger;
  /** See LarsOptions. */
  readonly loadbalance?: readonly string[];
}

export const MODULE = { modid: 1, cmdid: 1 } as const;
export const WINDOW_MS = 1_000;

const MIN_CALLERS = 16;
/** Each caller has time for several times as many, so that the rate is kept while hosts answer as they should. */
const CALLS_PER_CALLER = 25;
const DEFAULT_CALL_TIMEOUT_MS = 1_000;

/** Resolves when all is ready for the callers. */
export async function startWorld(options: LarsWorldOptions): Promise<LarsWorld> {
  const { log, loadbalance = [] } = options;
  const { modid, cmdid } = MODULE;
  await using starting = new AsyncDisposableStack();
  const fleet = await adoptFleet(starting, options);
  const lars = starting.adopt(await startLars({ log, loadbalance }), started => started.remove());
  // The agent must pick each host, because the demo shows its rules.
  const client = starting.use(new LarsClient({ ports: lars.udpPorts, timeoutMs: callTimeoutOf(options), cache: false }));
  await lars.addRoute(modid, cmdid, authoritiesOf(fleet));
  await client.register(modid, cmdid);
  const { score, begin, stop } = callersIn(starting, fleet, client, options);
  const running = starting.move();
  return {
    lars,
    fleet,
    client,
    score,
    begin,
    finish: async () => {
      await stop();
      // The agent reads what a socket sends in its order: when this is answered, it has taken every report before it.
      await client.getRoute(modid, cmdid);
      await client.close();
      await lars.stop();
      await fleet.stop();
    },
    remove: () => running.disposeAsync(),
  };
}

/** The same without LARS: the callers go round the servers. Resolves when all is ready for them. */
export async function startWorldWithoutLars(options: WorldOptions): Promise<World> {
  await using starting = new AsyncDisposableStack();
  const fleet = await adoptFleet(starting, options);
  const client = new RoundRobin(MODULE.modid, MODULE.cmdid, authoritiesOf(fleet));
  const { score, begin, stop } = callersIn(starting, fleet, client, options);
  const running = starting.move();
  return {
    lars: undefined,
    fleet,
    score,
    begin,
    finish: async () => {
      await stop();
      await fleet.stop();
    },
    remove: () => running.disposeAsync(),
  };
}

/** How many callers there are. */
export function callersOf({ callers, ratePerSecond }: Pick<WorldOptions, 'callers' | 'ratePerSecond'>): number {
  return callers ?? Math.max(MIN_CALLERS, Math.ceil(ratePerSecond / CALLS_PER_CALLER));
}

/** Fires with the reason when a service of this LARS has ended by itself. */
export function failureOf({ lars }: Pick<World, 'lars'>): AbortSignal {
  const controller = new AbortController();
  void lars?.failed.then(error => controller.abort(error));
  return controller.signal;
}

async function adoptFleet(stack: AsyncDisposableStack, { hosts, seed }: WorldOptions): Promise<HttpFleet> {
  const fleet = await startFleet({ hosts, behaviour: WELL, random: seededRandom(seed) });
  return stack.adopt(fleet, started => started.stop());
}

function callersIn(stack: AsyncDisposableStack, fleet: HttpFleet, client: Pick<LarsClient, 'call'>, options: WorldOptions) {
  const score = new Scoreboard(authoritiesOf(fleet), WINDOW_MS);
  const calling = {
    client,
    ...MODULE,
    callers: callersOf(options),
    ratePerSecond: options.ratePerSecond,
    timeoutMs: callTimeoutOf(options),
    nowMs: () => performance.now(),
    observer: score,
  };
  let business: Business | undefined;
  stack.defer(async () => business?.giveUp());
  return {
    score,
    begin: () => {
      business ??= new Business(calling);
    },
    stop: async () => business?.stop(),
  };
}

function callTimeoutOf({ callTimeoutMs = DEFAULT_CALL_TIMEOUT_MS }: WorldOptions): number {
  return callTimeoutMs;
}

function authoritiesOf({ hosts }: HttpFleet): string[] {
  return hosts.map(({ authority }) => authority);
}
