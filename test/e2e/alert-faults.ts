/** What happens to the services, so that each alert fires. */
import { renameSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeFrame, MessageId, ReturnCode } from '@lars/proto';
import Database from 'better-sqlite3';
import { batchFrame, getHostFrame, hostInfo, reportFrame } from '../support/agent-messages.ts';
import { eventually } from '../support/eventually.ts';
import { parsePrometheus, sampleSum } from '../support/prometheus-text.ts';
import type { UdpAsker } from '../support/udp-asker.ts';
import type { CleanUps } from './agent-world.ts';
import { type AgentService, LARGE, type MonitoredServices, type Service } from './monitored-services.ts';

/** More than an hour should see. */
const STARTS = 4;

/** Something that goes on until the test ends. */
export function repeat(cleanUps: CleanUps, everyMs: number, act: () => unknown): void {
  // Whoever asks a service that is killed meanwhile gets no answer.
  const attempt = async () => {
    await act();
  };
  const timer = setInterval(() => void attempt().catch(() => undefined), everyMs);
  cleanUps.add(() => clearInterval(timer));
}

/** Callers of a module whose hosts are well. */
export function callWell(cleanUps: CleanUps, { asker }: AgentService): void {
  const module = { modid: 1, cmdid: 0 };
  repeat(cleanUps, 20, async () => {
    const { retcode, host } = await asker.getHost(module);
    if (retcode === ReturnCode.Success) tell(asker, 1, host?.port ?? 0, true, 5);
  });
}

function tell(asker: UdpAsker, modid: number, port: number, ok: boolean, tcost: number): void {
  asker.send(reportFrame({ modid, host: hostInfo(port), retcode: ok ? 0 : 1, tcost }), modid % 3);
}

/** Every call of a classic module fails: all its hosts are ejected, and callers are refused. */
export function failAllHosts(cleanUps: CleanUps, { asker }: AgentService): void {
  const module = { modid: 2, cmdid: 0 };
  repeat(cleanUps, 20, async () => {
    const { host } = await asker.getHost(module);
    if (host !== undefined) tell(asker, module.modid, host.port, false, 1);
  });
}

/** The hosts of an adaptive module become slow, and calls are lost to their queues. */
export async function overloadHosts(cleanUps: CleanUps, { asker }: AgentService): Promise<void> {
  const module = { modid: 3, cmdid: 0 };
  let isOver = false;
  cleanUps.add(() => {
    isOver = true;
  });
  const call = async (tookMs: number, ok: boolean) => {
    const { host } = await asker.getHost(module);
    await sleep(tookMs);
    if (host !== undefined) tell(asker, module.modid, host.port, ok, tookMs);
  };
  const quick = async () => {
    for (let i = 0; i < 100; i++) await call(10, true);
  };
  await Promise.all(Array.from({ length: 4 }, quick));
  const slow = async () => {
    for (let i = 0; !isOver; i++) await call(i % 3 === 2 ? 800 : 500, i % 3 !== 2);
  };
  for (let i = 0; i < 12; i++) void slow().catch(() => undefined);
}

/** Somebody deletes most of the table by hand, and then puts a file that is no database in its place. */
export async function loseDatabase({ folder, ready }: AgentService): Promise<void> {
  const file = path.join(folder.path, 'data/lars.db');
  const sql = new Database(file, { timeout: 5_000 });
  sql.exec('DELETE FROM RouteData WHERE modid > 100');
  sql.close();
  await inTime('hosts are kept', async () => (await sum(ready.dnsserver.httpPort, 'lars_dnsserver_kept_hosts')) > 0);
  await inTime(
    'reports are acknowledged',
    async () => (await sum(ready.agent.httpPort, 'lars_agent_reporter_acknowledged_total')) > 0,
  );
  folder.write('data/bad.db', 'This is no database. '.repeat(500));
  renameSync(path.join(folder.path, 'data/bad.db'), file);
}

/** One thread dies, one hangs; then the process stands still for a moment, while very many datagrams come. */
export async function hurtAgent({ folder, process, asker, ready }: AgentService): Promise<void> {
  folder.write('die-dns', '');
  folder.write('hang-reporter', '');
  const { httpPort } = ready.agent;
  await inTime('the thread is silent', async () => (await sum(httpPort, 'lars_agent_thread_silences_total')) > 0);
  process.signal('SIGSTOP');
  for (let i = 0; i < 2_000; i++) asker.send(getHostFrame({ modid: 3 }), 0);
  await sleep(300);
  process.signal('SIGCONT');
}

/** An agent knows large modules, loses its dnsserver, is started again, and gets more results than it can keep for a reporter that is not there. */
export async function leaveAgentAlone(cleanUps: CleanUps, services: MonitoredServices, httpPort: number): Promise<void> {
  const dnsserver = await services.startLargeDnsserver();
  const folder = services.newFolder();
  const conf = await services.lonelyAgentConf(dnsserver.port, httpPort);
  const first = await services.startAgent(folder, conf);
  const askAll = (asker: UdpAsker) => {
    for (const modid of LARGE.modids) asker.ask({ modid, cmdid: 0 });
  };
  const knowsAll = async () => (await sum(httpPort, 'lars_agent_modules')) === LARGE.modids.length;
  askAll(first.asker);
  await inTime('it knows all modules', knowsAll);
  await first.process.interrupt();
  await dnsserver.stop();
  const { asker } = await services.startAgent(folder, conf);
  repeat(cleanUps, 20, () => asker.ask({ modid: 1_000_000, cmdid: 0 }));
  askAll(asker);
  await inTime('it knows all modules again', knowsAll);
  const results = Array.from({ length: LARGE.hosts }, (_, i) => ({ ...hostInfo(i + 1), succ: 1 }));
  for (const modid of LARGE.modids) {
    asker.send(batchFrame({ modid, results }), modid % 3);
    await sleep(5);
  }
}

/** More connections than it takes, and more files than it should have open; and a report with a number that no agent can have come to. */
export function crowd(cleanUps: CleanUps, { ready }: Service): void {
  const { tcpPort } = ready.reporter;
  const sockets = new Set<Socket>();
  const open = () => {
    const socket = connect(tcpPort, '127.0.0.1');
    sockets.add(socket);
    return socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  };
  cleanUps.add(() => {
    for (const socket of sockets) socket.destroy();
  });
  const report = { modid: 1, cmdid: 0, caller: 1, ts: Math.floor(Date.now() / 1_000), agent: 'forged' };
  const result = { ...hostInfo(1), succ: 1, err: 0, overload: false, tcost: 1, probes: 0 };
  for (let i = 0; i < 105; i++) open();
  repeat(cleanUps, 500, () => {
    while (sockets.size < 115) open();
    const [first] = sockets;
    for (const seq of [1, 1e12]) first?.write(encodeFrame(MessageId.ReportStatusRequest, { ...report, results: [result], seq }));
  });
}

/** A process that does not stay: each one is seen by Prometheus before it ends. The last one stays, and somebody connects who speaks no TLS. */
export async function restartOften(
  cleanUps: CleanUps,
  services: MonitoredServices,
  httpPort: number,
  startsSeen: () => Promise<number>,
): Promise<void> {
  const folder = services.newFolder();
  for (let starts = 1; starts <= STARTS; starts++) {
    const { process, ready } = await services.startReporterOnFullDisk(folder, httpPort);
    await inTime(`start ${starts} is seen`, async () => (await startsSeen()) >= starts);
    if (starts < STARTS) await process.interrupt();
    else repeat(cleanUps, 200, () => speakPlainly(ready.reporter.tcpPort));
  }
}

function speakPlainly(port: number): void {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  socket.end(getHostFrame({ modid: 1 }));
}

/** Six services start at the same time, on a machine that may be slow. */
function inTime(what: string, look: () => Promise<boolean>): Promise<boolean> {
  return eventually(what, look, 40_000);
}

/** The sum of a metric over all labels. */
export async function sum(httpPort: number, name: string): Promise<number> {
  const page = await fetch(`http://127.0.0.1:${httpPort}/metrics`).catch(() => undefined);
  return page === undefined ? 0 : sampleSum(parsePrometheus(await page.text()), name);
}
