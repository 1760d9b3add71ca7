/** What dnsserver answers per second of its CPU time, what a push to very many does to answers, and how it is with a million rows. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { openRouteEditor, type RouteEditor } from '@lars/dnsserver';
import { type Contender, type Measured, measureInTurn } from '../cli/src/bench/in-turn.ts';
import { RouteRequests, RouteScript } from '../cli/src/bench/route-script.ts';
import { summarize } from '../cli/src/bench/summary.ts';
import { runTcpLoad } from '../cli/src/bench/tcp-load.ts';
import { median } from './machine.ts';
import { ServerProcess } from './server-process.ts';
import { ClientProcess } from './tcp-clients.ts';
import { machineMs } from './tcp-probe.ts';
import type { PushTimes } from './tcp-subscribers.ts';

const MODULE = { modid: 1, cmdid: 3 };
const HOSTS = 5;
const ROUNDS = 5;
const ROUND_SECONDS = 1;
const LOADS = [
  { connections: 100, window: 8 },
  { connections: 6, window: 16 },
  { connections: 100, window: 1 },
];
/** The first is what the others are compared with. */
const SETTINGS = [
  { engine: 'node', workers: 0 },
  { engine: 'auto', workers: 0 },
  { engine: 'auto', workers: 1 },
  { engine: 'node', workers: 2 },
  { engine: 'auto', workers: 2 },
] as const;
type Setting = (typeof SETTINGS)[number];
const SUBSCRIBERS = 10_000;
const PUSHES = 10;
const PAUSE_BETWEEN_PUSHES_MS = 400;
const PROBE = { connections: 5, pauseMs: 1 };
const MODULES_OF_MILLION = 100_000;
const HOSTS_OF_MILLION = 10;

export async function measureDnsserver(folder: string): Promise<string> {
  const file = path.join(folder, 'dnsserver-bench.db');
  const editor = await openRouteEditor({ file });
  await editor.add(MODULE.modid, MODULE.cmdid, hostNames(HOSTS));
  const rates = await measureRates(folder, file);
  const pushes: string[] = [];
  for (const setting of SETTINGS) pushes.push(await measurePushes(folder, file, editor, setting));
  await editor.close();
  return `## dnsserver

Answers per second of the server's CPU time, all its threads together, over loopback; a route of ${HOSTS} hosts, every request answered in full.
Median of ${ROUNDS} rounds of ${ROUND_SECONDS} s, all in turn. × is the ratio to the first line, in the same rounds; in brackets stand the answers per second of the clock, which a
machine with few cores shares with the clients, who are one process.

| \`engine\` | \`workers\` | ${LOADS.map(load => `${load.connections} connections × ${load.window}`).join(' | ')} | idle, MB |
| --- | --- | ${LOADS.map(() => '---').join(' | ')} | --- |
${rates.join('\n')}

A push to ${SUBSCRIBERS.toLocaleString('en')} subscribers of one module, while ${PROBE.connections} other connections ask about a thousand times a second each: how long their
answers take while it is under way, and before. Server, subscribers and askers share the machine, and the subscribers keep it busy: so at the
same time ${PROBE.connections} connections ask a second dnsserver, which pushes nothing, and what its answers take longer is not the server's doing. ${PUSHES} pushes.

| \`engine\` | \`workers\` | p99 before, ms | during the push, ms | of the one that pushes nothing: before, ms | meanwhile, ms | from the change until the last has it, ms |
| --- | --- | --- | --- | --- | --- | --- |
${pushes.join('\n')}

${await measureMillion(folder)}`;
}

/** All settings in turn, so that the machine is as fast for each of them. */
async function measureRates(folder: string, file: string): Promise<string[]> {
  const { signal } = new AbortController();
  const servers = await Promise.all(SETTINGS.map(setting => startDnsserver(folder, file, setting)));
  await sleep(2_000);
  const idleMb = servers.map(server => server.process.usage().residentMb);
  const contenders = servers.flatMap(({ process: { pid }, port }) =>
    LOADS.map(({ connections, window }): Contender => {
      const requests = new RouteRequests([MODULE], window);
      const script = () => new RouteScript(requests, 0, () => undefined);
      const options = {
        server: { ip: '127.0.0.1', port },
        connections,
        window,
        script,
        stint: { seconds: ROUND_SECONDS },
        signal,
      };
      return { name: `${port} ${connections} ${window}`, pid, load: () => runTcpLoad(options) };
    }),
  );
  const measured = await measureInTurn(contenders, { rounds: ROUNDS, signal });
  for (const server of servers) await server.process.stop();
  return SETTINGS.map(({ engine, workers }, at) => {
    const cells = LOADS.map((_, load) => rateCell(measured[at * LOADS.length + load], measured[load]));
    return `| ${engine} | ${workers} | ${cells.join(' | ')} | ${idleMb[at]?.toFixed(0)} |`;
  });
}

/** @param yardstick the first setting under the same load */
function rateCell(own: Measured | undefined, yardstick: Measured | undefined): string {
  if (own === undefined || yardstick === undefined) return '';
  const summary = summarize(own === yardstick ? [own] : [yardstick, own], yardstick.name).at(-1);
  const { perCpuSecond = Number.NaN, perSecond = Number.NaN, ratio } = summary ?? {};
  return `${rounded(perCpuSecond)}${ratio === undefined ? '' : `, × ${ratio.toFixed(2)}`} (${rounded(perSecond)})`;
}

async function measurePushes(folder: string, file: string, editor: RouteEditor, setting: Setting): Promise<string> {
  const server = await startDnsserver(folder, file, setting);
  const bystander = await startDnsserver(folder, file, setting);
  const [subscribers, ...askers] = [new ClientProcess(), new ClientProcess(), new ClientProcess()] as const;
  await subscribers.subscribe({ port: server.port, connections: SUBSCRIBERS, ...MODULE });
  const seconds = ((PUSHES + 3) * PAUSE_BETWEEN_PUSHES_MS) / 1_000;
  // They ask about another module, so that only the server's own work can hold them up.
  const asking = [server, bystander].map(({ port }, at) => askers[at]?.probe({ ...PROBE, port, modid: 2, cmdid: 3, seconds }));
  await sleep(2 * PAUSE_BETWEEN_PUSHES_MS);
  const beganMs = machineMs();
  const windows: PushTimes[] = [];
  const tookMs: number[] = [];
  for (let push = 0; push < PUSHES; push++) {
    const pushed = subscribers.nextPush();
    await editor.setDrain(MODULE.modid, MODULE.cmdid, ['10.0.0.1:80'], push % 2 === 0);
    const changedMs = machineMs();
    windows.push(await pushed);
    tookMs.push(machineMs() - changedMs);
    await sleep(PAUSE_BETWEEN_PUSHES_MS / 2);
  }
  const asked = await Promise.all(asking);
  for (const each of [subscribers, ...askers]) await each.stop();
  for (const each of [server, bystander]) await each.process.stop();
  const isDuring = (atMs: number) => windows.some(({ firstMs, lastMs }) => atMs >= firstMs && atMs <= lastMs);
  const cells = asked.flatMap((samples = []) => {
    return [samples.filter(([atMs]) => atMs < beganMs), samples.filter(([atMs]) => isDuring(atMs))].map(p99);
  });
  return `| ${setting.engine} | ${setting.workers} | ${cells.map(ms => ms.toFixed(2)).join(' | ')} | ${median(tookMs).toFixed(0)} |`;
}

function p99(samples: readonly (readonly [number, number])[]): number {
  const sorted = samples.map(([, tookMs]) => tookMs).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN;
}

async function measureMillion(folder: string): Promise<string> {
  const file = path.join(folder, 'dnsserver-million.db');
  const editor = await openRouteEditor({ file });
  await editor.import(manyRoutes(), 'add');
  const startMs = performance.now();
  const server = await startDnsserver(folder, file, { engine: 'auto', workers: 0 });
  const loadSeconds = (performance.now() - startMs) / 1_000;
  const subscriber = new ClientProcess();
  await subscriber.subscribe({ port: server.port, connections: 1, modid: 7, cmdid: 1 });
  const tookMs: number[] = [];
  for (let change = 0; change < PUSHES; change++) {
    const pushed = subscriber.nextPush();
    await editor.add(7, 1, [{ host: `10.9.9.9:${change + 1}` }]);
    const changedMs = machineMs();
    tookMs.push((await pushed).lastMs - changedMs);
  }
  const { residentMb } = server.process.usage();
  await subscriber.stop();
  await server.process.stop();
  await editor.close();
  return `With ${rounded(MODULES_OF_MILLION * HOSTS_OF_MILLION)} rows (${rounded(MODULES_OF_MILLION)} modules × ${HOSTS_OF_MILLION} hosts): from the start of the process until it serves
**${loadSeconds.toFixed(1)} s** (goal: 10), resident ${residentMb.toFixed(0)} MB; from the commit of a one-row change until the subscriber has it, median
**${median(tookMs).toFixed(0)} ms** (slowest ${Math.max(...tookMs).toFixed(0)}; goal: 1,500), of which it waits up to 200 for the next look at the database.
`;
}

function* routeEntries() {
  for (let modid = 0; modid < MODULES_OF_MILLION; modid++)
    for (let host = 0; host < HOSTS_OF_MILLION; host++)
      yield { modid, cmdid: 1, host: `10.${host}.${(modid >> 8) & 255}.${modid & 255}:80` };
}

const manyRoutes = () => [...routeEntries()];

interface Server {
  readonly process: ServerProcess;
  readonly port: number;
}

async function startDnsserver(folder: string, file: string, { engine, workers }: Setting): Promise<Server> {
  const conf = path.join(folder, `dnsserver-bench-${engine}-${workers}.ini`);
  writeFileSync(
    conf,
    `[tcp]\nport = 0\nengine = ${engine}\nworkers = ${workers}\nmax_connections = 20000\n[database]\nfile = ${file}\n[http]\nport = 0\n[log]\nlevel = error\n`,
  );
  const server = await ServerProcess.startLars(['dnsserver', '--conf', conf], folder);
  return { process: server, port: (server.ready['dnsserver'] as { readonly tcpPort: number }).tcpPort };
}

function hostNames(count: number): { host: string }[] {
  return Array.from({ length: count }, (_, i) => ({ host: `10.0.0.${i + 1}:80` }));
}

function rounded(value: number): string {
  return Math.round(value).toLocaleString('en');
}
