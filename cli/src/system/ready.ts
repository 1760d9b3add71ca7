import { VERSION } from '@lars/runtime/version';
import { formatTable, type Paint } from '../output/table.ts';
import type { ServiceFacts } from './service-facts.ts';

/** The line that tells a script what is ready and on which ports. */
export function readyDocument(facts: readonly ServiceFacts[]) {
  const services = Object.fromEntries(facts.map(({ service, document }) => [service, document]));
  return { event: 'ready', pid: process.pid, version: VERSION, ...services };
}

/** The text for people, with commands that they may try next. */
export function readyText(facts: readonly ServiceFacts[], tryNext: readonly string[], paint: Paint): string {
  const columns = ['service', 'where', 'health', 'mode', 'conf'].map(title => ({ title }));
  const rows = facts.map(({ service, where, health, mode, conf }) => [service, where, health, mode, conf]);
  const next = tryNext.length === 0 ? '' : `\nTry next, in another terminal:\n${tryNext.map(line => `  ${line}\n`).join('')}`;
  const name = facts.length === 1 ? facts[0]?.service : 'the system';
  return `LARS ${VERSION}: ${name} is ready (pid ${process.pid}); Ctrl-C stops it\n\n${formatTable(columns, rows, paint)}${next}\n`;
}
