// pure
/** What a spectator should know before the first table. */
import type { OutageOptions, TroublesOptions } from './options.ts';
import { paragraph } from './paragraph.ts';

/** @param callers how many of them share the rate */
export function outageIntroduction(options: Omit<OutageOptions, 'show'>, callers: number): string[] {
  const { hosts, ratePerSecond, phaseSeconds, algorithm } = options;
  const [before, down, again] = phaseSeconds;
  return paragraph(
    [
      `This takes about ${Math.round(before + down + again)} s; Ctrl-C ends it. A whole LARS (dnsserver, reporter and agent) runs in this process, and`,
      `${hosts} HTTP servers are the hosts of a module. ${callers} callers make ${ratePerSecond} calls a second together; before each the agent is asked for`,
      `a host (it balances by '${algorithm}'), and afterwards it is told how the call went. After ${before} s a server is stopped, and ${down} s later it is`,
      'started again: watch its share of the calls.',
    ].join(' '),
  );
}

/** @param ways the names of the columns */
export function troublesIntroduction(options: Omit<TroublesOptions, 'show'>, ways: readonly string[]): string[] {
  const { hosts, ratePerSecond, troubles, troubleSeconds, quietSeconds } = options;
  const total = quietSeconds + troubles.length * (troubleSeconds + quietSeconds);
  return paragraph(
    [
      `This takes about ${Math.round(total)} s; Ctrl-C ends it. ${hosts} HTTP servers and ${ratePerSecond} calls a second for each of ${ways.length} ways to choose a`,
      `server: ${ways.join(', ')}. The same befalls all at the same time, one server after the other, ${troubleSeconds} s each:`,
      `${troubles.map(({ name }) => name).join(', ')}. A table compares the ways at the end.`,
    ].join(' '),
  );
}
