// pure
/**
 * How soon a broken host lost its calls, and how soon it got them back when it was well. Both are read from what balancers did, not
 * from what they said: from a host's share of the picks, against its fair share, which is its part of the capacity.
 */
import type { RunLog } from '../sim/run-log.ts';
import { capacityPerSec, type Scenario } from '../sim/scenario.ts';
import { type Spell, Standing, type Truth } from '../sim/truth.ts';
import { lowerBound, mean } from './statistics.ts';

/** Shares are judged over as many picks as bring a host this many at its fair share. */
const WINDOW_FAIR_PICKS = 20;
/** Detected: from here on the window holds at most this part of the fair share. */
const DETECTED_PART = 0.2;
/** Recovered: the window holds at least this part. */
const RECOVERED_PART = 0.5;
/** Shorter spells say more about luck than about an algorithm. */
const SHORTEST_SPELL_MS = 1_000;

export interface Reaction {
  /** Means over spells, ms; a spell in which it did not happen counts in full. NaN where there was nothing to detect or to get back. */
  readonly detectMs: number;
  readonly recoverMs: number;
  /** Share of the spells that ended undetected. */
  readonly missed: number;
}

export function reaction(scenario: Scenario, truth: Truth, log: RunLog): Reaction {
  const detections: Verdict[] = [];
  const recoveries: Verdict[] = [];
  for (const [host, fairShare] of fairSharesOf(scenario, truth).entries()) {
    const picks = new HostPicks(log, host, fairShare);
    for (const broken of truth.spells(host, Standing.broken)) {
      const detection = hasChoiceThroughout(truth, broken) ? picks.detection(broken) : undefined;
      if (detection !== undefined) detections.push(detection);
      const healthy = truth.spells(host, Standing.healthy).find(spell => spell.fromMs === broken.toMs);
      // A host that kept its calls while it was broken has nothing to get back.
      if (healthy === undefined || detection?.happened === false) continue;
      const recovery = picks.recovery(healthy);
      if (recovery !== undefined) recoveries.push(recovery);
    }
  }
  return {
    detectMs: mean(detections.map(verdict => verdict.afterMs)),
    recoverMs: mean(recoveries.map(verdict => verdict.afterMs)),
    missed: mean(detections.map(verdict => (verdict.happened ? 0 : 1))),
  };
}

/** Each host's part of the capacity of all hosts that the route ever named. */
export function fairSharesOf(scenario: Scenario, truth: Truth): number[] {
  const capacities = scenario.hosts.map((host, index) => (truth.everInRoute(index) ? capacityPerSec(host) : 0));
  const total = capacities.reduce((sum, capacity) => sum + capacity, 0);
  return capacities.map(capacity => capacity / total);
}

interface Verdict {
  readonly afterMs: number;
  readonly happened: boolean;
}

interface Range {
  readonly first: number;
  readonly last: number;
}

/** Where one host's picks stand in the row of all picks. */
class HostPicks {
  readonly #pickMs: readonly number[];
  readonly #positions: readonly number[];
  readonly #window: number;

  constructor(log: RunLog, host: number, fairShare: number) {
    this.#pickMs = log.pickMs;
    this.#positions = log.pickHost.flatMap((picked, position) => (picked === host ? [position] : []));
    this.#window = Math.ceil(WINDOW_FAIR_PICKS / fairShare);
  }

  /** Right after a pick of this host, or at once: the next window holds hardly any. Undefined if the spell has too few picks. */
  detection(spell: Spell): Verdict | undefined {
    const range = this.#rangeOf(spell);
    if (range === undefined) return undefined;
    if (this.#partFrom(range.first) <= DETECTED_PART) return { afterMs: 0, happened: true };
    const found = this.#picksIn(range).find(position => this.#partFrom(position + 1) <= DETECTED_PART);
    return this.#verdict(spell, found);
  }

  /** With a pick of this host: the window that begins with it holds enough. Undefined if the spell has too few picks. */
  recovery(spell: Spell): Verdict | undefined {
    const range = this.#rangeOf(spell);
    if (range === undefined) return undefined;
    const found = this.#picksIn(range).find(position => this.#partFrom(position) >= RECOVERED_PART);
    return this.#verdict(spell, found);
  }

  #verdict(spell: Spell, position: number | undefined): Verdict {
    if (position === undefined) return { afterMs: spell.toMs - spell.fromMs, happened: false };
    return { afterMs: (this.#pickMs[position] as number) - spell.fromMs, happened: true };
  }

  /** Where windows may begin so that they end within the spell. */
  #rangeOf(spell: Spell): Range | undefined {
    const first = lowerBound(this.#pickMs, spell.fromMs);
    const last = lowerBound(this.#pickMs, spell.toMs) - this.#window;
    return last < first || spell.toMs - spell.fromMs < SHORTEST_SPELL_MS ? undefined : { first, last };
  }

  #picksIn({ first, last }: Range): readonly number[] {
    return this.#positions.slice(lowerBound(this.#positions, first), lowerBound(this.#positions, last));
  }

  /** The part of its fair share that the host gets in the window that begins there. */
  #partFrom(position: number): number {
    return this.#countIn(position, position + this.#window) / WINDOW_FAIR_PICKS;
  }

  #countIn(from: number, to: number): number {
    return lowerBound(this.#positions, to) - lowerBound(this.#positions, from);
  }
}

function hasChoiceThroughout(truth: Truth, spell: Spell): boolean {
  for (let atMs = spell.fromMs; atMs < spell.toMs; atMs += 50) if (!truth.hasChoice(atMs)) return false;
  return true;
}
