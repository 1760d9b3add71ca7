// pure
import { MODIDS, type Outcomes, type RoundCounts } from './caller-messages.ts';

/** A fault that was thrown, and what came of it. */
export interface ThrownFault {
  readonly round: number;
  readonly kind: string;
  /** From its end until all services said that they were well, milliseconds; undefined: not in time. */
  readonly recoveryMs: number | undefined;
  /** What kept the fault from being thrown or taken back. */
  readonly problem: string | undefined;
}

/** Figures of one round, or of all rounds with the same kind of fault. */
export interface Figures {
  readonly thrown: number;
  readonly calls: number;
  /** Calls for which the SDK had no host, by code. */
  readonly noHost: Readonly<Record<string, number>>;
  /** Calls that their host failed, by the callers' counts. */
  readonly failed: number;
  readonly longestOutageMs: number;
  /** Undefined: not all of them recovered. */
  readonly longestRecoveryMs: number | undefined;
  /** Results that the SDK accepted and no database has. */
  readonly lost: number;
  /** Results that stand in the databases and were not accepted so often. */
  readonly doubled: number;
  /** The most that was lost or doubled in one round. */
  readonly mostLost: number;
  readonly mostDoubled: number;
}

export function roundFigures(
  { round, recoveryMs }: Pick<ThrownFault, 'round' | 'recoveryMs'>,
  counts: readonly RoundCounts[],
  stored: ReadonlyMap<string, Outcomes>,
): Figures {
  const ofRound = counts.filter(one => one.round === round);
  const noHost: Record<string, number> = {};
  for (const one of ofRound) addCodes(noHost, one.noHost);
  let [lost, doubled, failed] = [0, 0, 0];
  for (const modid of MODIDS) {
    const inDatabase = stored.get(`${modid}/${round}`) ?? { succ: 0, err: 0 };
    for (const outcome of ['succ', 'err'] as const) {
      const accepted = sum(ofRound.map(one => one.accepted[modid]?.[outcome] ?? 0));
      lost += Math.max(0, accepted - inDatabase[outcome]);
      doubled += Math.max(0, inDatabase[outcome] - accepted);
      if (outcome === 'err') failed += accepted;
    }
  }
  return {
    thrown: 1,
    calls: sum(ofRound.map(one => one.calls)),
    noHost,
    failed,
    longestOutageMs: Math.max(0, ...ofRound.map(one => one.longestOutageMs)),
    longestRecoveryMs: recoveryMs,
    lost,
    doubled,
    mostLost: lost,
    mostDoubled: doubled,
  };
}

/** @param all at least one */
export function addedFigures(all: readonly Figures[]): Figures {
  const noHost: Record<string, number> = {};
  for (const one of all) addCodes(noHost, one.noHost);
  const recoveries = all.map(one => one.longestRecoveryMs);
  const of = (name: 'thrown' | 'calls' | 'failed' | 'lost' | 'doubled') => sum(all.map(one => one[name]));
  const most = (name: 'longestOutageMs' | 'mostLost' | 'mostDoubled') => Math.max(...all.map(one => one[name]));
  return {
    thrown: of('thrown'),
    calls: of('calls'),
    noHost,
    failed: of('failed'),
    longestOutageMs: most('longestOutageMs'),
    longestRecoveryMs: recoveries.includes(undefined) ? undefined : Math.max(...recoveries.map(ms => ms ?? 0)),
    lost: of('lost'),
    doubled: of('doubled'),
    mostLost: most('mostLost'),
    mostDoubled: most('mostDoubled'),
  };
}

function addCodes(into: Record<string, number>, codes: Readonly<Record<string, number>>): void {
  for (const [code, count] of Object.entries(codes)) into[code] = (into[code] ?? 0) + count;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
