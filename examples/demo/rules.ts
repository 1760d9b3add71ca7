// pure
import { percent } from './table.ts';

/** How the agent balanced: the numbers of its conf that there is something to say of. */
export type Rules = AdaptiveRules | ClassicRules;

export interface AdaptiveRules {
  readonly algorithm: 'adaptive';
  /** 0..1 */
  readonly probeShare: number;
  readonly backoffMinSeconds: number;
  readonly backoffMaxSeconds: number;
  readonly onAllOverloaded: 'probe' | 'all' | 'refuse';
}

export interface ClassicRules {
  readonly algorithm: 'classic';
  readonly continErrLimit: number;
  /** 0..1 */
  readonly errRate: number;
  /** 0..1 */
  readonly succRate: number;
  readonly continSuccLimit: number;
  readonly probeNum: number;
  readonly overloadTimeoutSeconds: number;
}

/** The rules in a few sentences, as they are numbered in docs/load-balancing.md. */
export function rulesText(rules: Rules): string {
  return rules.algorithm === 'adaptive' ? adaptiveText(rules) : classicText(rules);
}

const WHEN_NONE_IS_LEFT: Readonly<Record<AdaptiveRules['onAllOverloaded'], string>> = {
  probe: 'one call at a time is sent to an ejected host, and the others are refused',
  all: 'the hosts are used as though they were well',
  refuse: 'calls are refused until a probe succeeds',
};

function adaptiveText({ probeShare, backoffMinSeconds, backoffMaxSeconds, onAllOverloaded }: AdaptiveRules): string {
  return [
    'For each call the agent draws some hosts at random and names the one that should answer first, by how long its calls took lately,',
    'how many are on their way, and how often it errs (AD-1 to AD-3): so a slow host or a small one gets fewer calls, without an error.',
    'Hosts that answer alike take turns.',
    'A host that errs clearly more than its siblings is ejected (AD-7, AD-9). It is probed with single live calls, after',
    `pauses that double from about ${backoffMinSeconds} s to ${backoffMaxSeconds} s (AD-10), and gets at most ${percent(probeShare)} of its fair share so (AD-11). The`,
    'first success takes it back, on probation: little evidence is needed to eject it again (AD-12). A call is refused only while slow',
    `answers show that work waits in line at the hosts (AD-13). When no host may be called, ${WHEN_NONE_IS_LEFT[onAllOverloaded]} (AD-17).`,
  ].join(' ');
}

function classicText({
  continErrLimit,
  errRate,
  succRate,
  continSuccLimit,
  probeNum,
  overloadTimeoutSeconds,
}: ClassicRules): string {
  return [
    `The agent goes round the hosts (LB-2). After ${continErrLimit} failures of a host in a row, or when more than ${percent(errRate)} of its calls fail,`,
    `by a count that begins with some successes as a handicap, it ejects the host (LB-7) and gives it one pick in ${probeNum + 1},`,
    `as a probe, however many hosts there are: so a dead host keeps ${percent(1 / (probeNum + 1))} of the calls (LB-4). After ${overloadTimeoutSeconds} s it is taken back`,
    'untested, and if it is still dead, it is found out once more (LB-9). A host that is started again comes back when successes are',
    `more than ${percent(succRate)} of its probes, or ${continSuccLimit} in a row (LB-8), or when that time is over, whichever is first. Only failures`,
    'count: that a host is slow, or small, is not seen.',
  ].join(' ');
}
