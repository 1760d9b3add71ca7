// pure
import { percent } from './table.ts';

/** How the agent balanced: the numbers that there is something to say of. */
export interface Rules {
  readonly continErrLimit: number;
  readonly probeNum: number;
  readonly overloadTimeoutSeconds: number;
}

/** The rules in a few sentences that follow "It knows only what the callers report." */
export function ruleLines({ continErrLimit, probeNum, overloadTimeoutSeconds }: Rules): string[] {
  return [
    `The agent goes round the hosts. After ${continErrLimit} failures of a host in a row, or when too many of its calls fail, it calls the`,
    `host overloaded and gives it one pick in ${probeNum + 1}, as a probe, however many hosts there are; so a dead host keeps`,
    `${percent(1 / (probeNum + 1))} of the calls. After ${overloadTimeoutSeconds} s it is taken back untested, and if it is still dead, it is found out once more. A host`,
    'that is started again comes back by the successes of its probes, or when that time is over, whichever is first. It counts',
    'failures only: it does not see that a host is slow.',
  ];
}
