import { agentConfigTable } from '@lars/agent';
import { dnsserverConfigTable } from '@lars/dnsserver';
import { proxyConfigTable } from '@lars/proxy';
import { reporterConfigTable } from '@lars/reporter';
import { type ConfigTable, formatMarkdown, formatSample } from '@lars/runtime/config/config';
import { dashboardJson } from './dashboard.ts';

const TABLES: readonly ConfigTable[] = [agentConfigTable, dnsserverConfigTable, reporterConfigTable, proxyConfigTable];

const INTRODUCTION = `# Configuration

Each service reads one INI file, by default \`conf/NAME.ini\`; without a file it runs with the defaults below, and the samples in
\`conf/\` hold exactly these. A key that is not in these tables, a value out of bounds or a line that is neither keeps a service from
starting, with one line that names the file, the line and what would be right. A duration
may have a unit: \`300ms\`, \`1.5s\`, \`5min\`, \`24h\`; without one it is in the unit that the table names. This page is written by \`npm run conf\`.
`;

/** Every file that `npm run conf` prints, nearly all from the config tables: [path from the project's root, text]. */
export function confFiles(): ReadonlyMap<string, string> {
  const files = new Map(TABLES.map(table => [`conf/${table.file}`, formatSample(table)]));
  files.set('conf/grafana/lars.json', dashboardJson());
  return files.set('docs/configuration.md', [INTRODUCTION, ...TABLES.map(table => formatMarkdown(table))].join('\n'));
}
