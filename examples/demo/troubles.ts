/** What befalls a fleet, one kind after the other: first nothing, and then the troubles of one server. */
import type { Behaviour, HttpFleet, HttpHost } from './http-fleet.ts';

/** How every server behaves while all is well. So slow that some calls are on their way at any time: else one server would do for all. */
export const WELL: Behaviour = { latencyMs: 20, spread: 0.5, errorRate: 0, slots: Number.POSITIVE_INFINITY };

/** The servers and callers of a trouble. */
export interface Scene {
  readonly fleet: HttpFleet;
  /** The servers in trouble; a trouble of all of them happens once for each. */
  readonly victim: HttpHost;
  /** What all callers together do. */
  readonly ratePerSecond: number;
}

/** Something happens, and then nothing for a while. */
export interface Step {
  readonly seconds: number;
  act(scene: Scene): void | Promise<void>;
}

export interface Trouble {
  readonly name: string;
  /** Where all servers fare alike, none of them is in trouble: what is looked at is how a fleet is treated that is well. */
  readonly befalls: 'one server' | 'all servers';
  /** What the troubled server does, in words that follow its name; where there is none, the whole story. */
  readonly story: string;
  /** What the troubled server can do, compared with another one: so much less is its fair share. */
  readonly capacity: number;
  /** What happens in so many seconds. */
  steps(seconds: number): readonly Step[];
}

const FLAP_SECONDS = 2;
const SLOTS = 4;
/** While slots are few, the usual share of the calls is so much more than the slot of the troubled server can do. */
const OVERLOAD = 1.25;
/** Every service errs now and then. */
const USUAL_ERROR_RATE = 0.005;
/** At a low rate a call would last longer than a caller waits. */
const MAX_SLOT_MS = 200;

export const TROUBLES: readonly Trouble[] = [
  {
    // Errors as slow as answers, and all equally slow: LARS must not take that for a trouble.
    ...lasting(
      'all-well',
      `nothing is wrong (all answers take ${WELL.latencyMs} ms, ${USUAL_ERROR_RATE * 100} % are errors)`,
      ({ victim }) => victim.behave({ spread: 0, errorRate: USUAL_ERROR_RATE }),
    ),
    befalls: 'all servers',
  },
  lasting('brown-out', 'answers 30 % of its calls with status 500', ({ victim }) => victim.behave({ errorRate: 0.3 })),
  lasting('slow', 'is ten times slower', ({ victim }) => victim.behave({ latencyMs: WELL.latencyMs * 10 })),
  lasting('stopped', 'is stopped', ({ victim }) => victim.stop()),
  {
    name: 'flapping',
    befalls: 'one server',
    story: `flaps: ${FLAP_SECONDS} s down, ${FLAP_SECONDS} s up`,
    capacity: 1,
    steps: flapSteps,
  },
  {
    ...lasting('unequal', `works at one call at a time, the others at ${SLOTS}`, limitSlots),
    capacity: 1 / SLOTS,
  },
];

/** Ends every trouble. */
export async function heal({ hosts }: HttpFleet): Promise<void> {
  for (const host of hosts) host.behave(WELL);
  await Promise.all(hosts.map(host => host.start()));
}

/**
 * Each trouble befalls another server, so that what LARS has learned of one does not affect the next; with more troubles than
 * servers, it begins again with the first.
 * @returns the place in the fleet of each trouble's server; undefined: it befalls all of them
 */
export function victimsOf(troubles: readonly Trouble[], hosts: number): readonly (number | undefined)[] {
  let next = 0;
  return troubles.map(({ befalls }) => (befalls === 'all servers' ? undefined : next++ % hosts));
}

/** 'server 1 is stopped' @param victim see victimsOf */
export function titleOf({ story }: Trouble, victim: number | undefined): string {
  return victim === undefined ? story : `server ${victim + 1} ${story}`;
}

/** @returns the part of the fleet's capacity that its one troubled server has, 0..1 */
export function fairShareIn({ capacity }: Trouble, hosts: number): number {
  return capacity / (hosts - 1 + capacity);
}

function lasting(name: string, story: string, act: Step['act']): Trouble {
  return { name, befalls: 'one server', story, capacity: 1, steps: seconds => [{ seconds, act }] };
}

function flapSteps(seconds: number): Step[] {
  const steps = Math.ceil(seconds / FLAP_SECONDS);
  return Array.from({ length: steps }, (_, i) => ({
    seconds: Math.min(FLAP_SECONDS, seconds - i * FLAP_SECONDS),
    act: ({ victim }) => (i % 2 === 0 ? victim.stop() : victim.start()),
  }));
}

function limitSlots({ fleet, victim, ratePerSecond }: Scene): void {
  const latencyMs = Math.min(MAX_SLOT_MS, (OVERLOAD * 1_000 * fleet.hosts.length) / ratePerSecond);
  for (const host of fleet.hosts) host.behave({ latencyMs, slots: host === victim ? 1 : SLOTS });
}
