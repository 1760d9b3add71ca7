// pure
/** Which hosts a change adds, changes or removes, for people and for machines. */
import type { Differences, HostDifference } from '@lars/dnsserver';
import { countedWeight, DEFAULT_WEIGHT, formatHost, formatModule, type HostInfo } from '@lars/proto';
import { hostDocument } from './route-document.ts';
import { type Paint, visible } from './table.ts';

export function differencesDocument({ hosts, invalidRows }: Differences) {
  const document = (host: HostInfo | undefined) => (host === undefined ? null : hostDocument(host));
  return {
    differences: hosts.map(({ modid, cmdid, before, after }) => ({
      modid,
      cmdid,
      before: document(before),
      after: document(after),
    })),
    invalidRows,
  };
}

/** '+ 1/1 10.0.0.1:80 zone eu', one line each; beyond `max` lines, how many more there are. */
export function formatDifferences({ hosts, invalidRows }: Differences, paint: Paint, max = Number.POSITIVE_INFINITY): string {
  const lines = hosts.slice(0, max).map(difference => differenceLine(difference, paint));
  if (hosts.length > max) lines.push(`… and ${hosts.length - max} more`);
  if (invalidRows > 0) lines.push(paint('red', `- ${invalidRows} rows that make no sense`));
  return lines.map(line => `${line}\n`).join('');
}

function differenceLine({ modid, cmdid, before, after }: HostDifference, paint: Paint): string {
  const host = after ?? before;
  const name = host === undefined ? '' : `${formatModule(modid, cmdid)} ${formatHost(host)}`;
  if (before === undefined && after !== undefined) return paint('green', `+ ${name}${details(after)}`);
  if (before !== undefined && after === undefined) return paint('red', `- ${name}${details(before)}`);
  return paint('yellow', `~ ${name}${before !== undefined && after !== undefined ? changedDetails(before, after) : ''}`);
}

function details({ weight, zone, drain }: HostInfo): string {
  const shownWeight = countedWeight(weight) === DEFAULT_WEIGHT ? '' : ` weight ${weight}`;
  return `${shownWeight}${zone === '' ? '' : ` zone ${visible(zone)}`}${drain ? ' drain' : ''}`;
}

function changedDetails(before: HostInfo, after: HostInfo): string {
  const changes = [
    { name: 'weight', from: String(countedWeight(before.weight)), to: String(countedWeight(after.weight)) },
    { name: 'zone', from: before.zone, to: after.zone },
    { name: 'drain', from: before.drain ? 'yes' : 'no', to: after.drain ? 'yes' : 'no' },
  ];
  const shown = (text: string) => (text === '' ? 'none' : visible(text));
  return changes
    .filter(({ from, to }) => from !== to)
    .map(({ name, from, to }) => ` ${name} ${shown(from)} → ${shown(to)}`)
    .join(',');
}
