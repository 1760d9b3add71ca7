// pure
import type { Figures } from './round-result.ts';
import type { SoakResult } from './soak-run.ts';

export interface SoakCircumstances {
  readonly minutes: number;
  readonly seed: number;
  readonly callsPerSec: number;
  /** Of the day, YYYY-MM-DD. */
  readonly date: string;
  readonly machine: string;
}

/** The tables of docs/reliability.md. */
export function formatSoak({ kinds, all, growth, broken }: SoakResult, at: SoakCircumstances): string {
  const { minutes, seed, callsPerSec, date, machine } = at;
  const rows = [...kinds].sort((one, other) => one.fault.kind.localeCompare(other.fault.kind));
  return [
    `*Written by \`npm run soak -- --minutes ${minutes} --seed ${seed} --write\` on ${date}, on ${machine}: ${callsPerSec} calls a second.*`,
    '',
    '| fault | what it is | thrown | calls | no host | host failed | longest outage | well again after | lost | doubled |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...rows.map(({ fault, figures }) => `| ${fault.kind} | ${fault.text} | ${cells(figures)} |`),
    `| **all** | | ${cells(all)} |`,
    '',
    '| process | memory at the begin | at the end | descriptors at the begin | at the end |',
    '| --- | ---: | ---: | ---: | ---: |',
    ...growth.map(
      ({ name, begin, end }) =>
        `| ${name} | ${mebibytes(begin?.residentBytes)} | ${mebibytes(end?.residentBytes)} | ${begin?.descriptors ?? '–'} | ${end?.descriptors ?? '–'} |`,
    ),
    '',
    broken.length === 0
      ? 'No promise was broken.'
      : `Broken promises:\n\n${broken.map(line => `- ${line.replace(/\s+/g, ' ')}`).join('\n')}`,
  ].join('\n');
}

function cells({ thrown, calls, noHost, failed, longestOutageMs, longestRecoveryMs, lost, doubled }: Figures): string {
  const codes = Object.entries(noHost).map(([code, count]) => `${count} ${code}`);
  const recovery = longestRecoveryMs === undefined ? 'never' : seconds(longestRecoveryMs);
  const noHostText = codes.length === 0 ? '0' : codes.join(', ');
  const counts = [lost, doubled].map(count => count.toLocaleString('en'));
  return [
    thrown,
    calls.toLocaleString('en'),
    noHostText,
    failed.toLocaleString('en'),
    seconds(longestOutageMs),
    recovery,
    ...counts,
  ].join(' | ');
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function mebibytes(bytes: number | undefined): string {
  return bytes === undefined ? '–' : `${Math.round(bytes / 2 ** 20)} MiB`;
}
