import { sumOf } from '../cli/src/bench/bench-run.ts';
import { benchTcp } from '../cli/src/bench/bench-tcp.ts';
import { summarize } from '../cli/src/bench/summary.ts';

const HOSTS = 5;
const SECONDS = 8;
const WINDOW = 512;
const LAYOUT = { first: { modid: 1, cmdid: 1 }, modules: 1_000, hosts: HOSTS };
const CONNECTIONS = [10, 100];

/** Rows that a reporter has in its tables, per second. */
export async function measureReporter(): Promise<string> {
  const rows: string[] = [];
  for (const connections of CONNECTIONS) {
    const plan = {
      kind: 'reporter',
      layout: LAYOUT,
      stint: { seconds: SECONDS },
      window: WINDOW,
      against: undefined,
      connections,
    } as const;
    const { measured } = await benchTcp(plan, { signal: new AbortController().signal, onProgress: () => undefined });
    for (const { perSecond, perCpuSecond, done, p50, p99 } of summarize(measured)) {
      const allTables = sumOf(measured, 'rowsInAllTables') / done;
      const cells = [
        connections,
        count(perCpuSecond ?? Number.NaN),
        count(perSecond),
        allTables.toFixed(2),
        p50.toFixed(0),
        p99.toFixed(0),
      ];
      rows.push(`| ${cells.join(' | ')} |`);
    }
  }
  return `## reporter

Rows stored per second, on SQLite: each connection is an agent with ${WINDOW} reports of ${HOSTS} hosts on their way, of ${count(LAYOUT.modules)} modules in turn. A row is what one
agent says of one host; it counts when the reporter has acknowledged it, which it does when it stands in the database. No two rows on their
way have the same key, so none are merged. "Written for each" counts the rows of the history and of the agents' numbers as well. Goal: 200,000.

| agents | per CPU second | per second | written for each | acknowledged after: p50, ms | p99, ms |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}
