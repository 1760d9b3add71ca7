import { ROUNDS } from '../cli/src/bench/bench-plan.ts';
import { BenchSystem } from '../cli/src/bench/bench-system.ts';
import { reportLoad } from '../cli/src/bench/bench-tcp.ts';
import { type Contender, type Measured, measureInTurn } from '../cli/src/bench/in-turn.ts';
import { summarize } from '../cli/src/bench/summary.ts';

const HOSTS = 5;
const SECONDS = 5;
const WINDOW = 512;
const LAYOUT = { first: { modid: 1, cmdid: 1 }, modules: 1_000, hosts: HOSTS };
const CONNECTIONS = [10, 100];
/** The first is what the other is compared with. */
const ENGINES = ['node', 'auto'] as const;

/** Rows that a reporter has in its tables, per second. */
export async function measureReporter(): Promise<string> {
  const { signal } = new AbortController();
  const systems = ENGINES.map(engine => new BenchSystem(engine));
  const rows: string[] = [];
  try {
    for (const connections of CONNECTIONS) {
      const contenders = await Promise.all(systems.map((system, at) => contender(system, ENGINES[at] as string, connections)));
      const measured = await measureInTurn(contenders, { rounds: ROUNDS, signal });
      rows.push(...rowsOf(connections, measured));
    }
  } finally {
    for (const system of systems) await system.stop();
  }
  return `## reporter

Rows stored per second, on SQLite: each connection is an agent with ${WINDOW} reports of ${HOSTS} hosts on their way, of ${count(LAYOUT.modules)} modules in turn. A row is what one
agent says of one host; it counts when the reporter has acknowledged it, which it does when it stands in the database. No two rows on their
way have the same key, so none are merged. "Written for each" counts the rows of the history and of the agents' numbers as well. × is the ratio to
the engine node, in the same rounds. Goal: 200,000.

| agents | \`engine\` | per CPU second | per second | written for each | acknowledged after: p50, ms | p99, ms |
| --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}

async function contender(system: BenchSystem, engine: string, connections: number): Promise<Contender> {
  const { server, ip, tcpPort: port, httpPort } = await system.reporter();
  const plan = { connections, window: WINDOW, layout: LAYOUT, stint: { seconds: SECONDS } };
  const { signal } = new AbortController();
  return { name: engine, pid: server.pid, load: reportLoad(plan, { signal }, { ip, port, http: { ip, port: httpPort } }) };
}

function rowsOf(connections: number, measured: readonly Measured[]): string[] {
  return summarize(measured, ENGINES[0]).map(({ name, perSecond, perCpuSecond = Number.NaN, ratio, done, counts, p50, p99 }) => {
    const perCpu = `${count(perCpuSecond)}${ratio === undefined ? '' : `, × ${ratio.toFixed(2)}`}`;
    const allTables = ((counts['rowsInAllTables'] ?? Number.NaN) / done).toFixed(2);
    return `| ${[connections, name, perCpu, count(perSecond), allTables, p50.toFixed(0), p99.toFixed(0)].join(' | ')} |`;
  });
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}
