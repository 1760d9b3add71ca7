/** What an agent that ends could not tell the reporter, and a reporter that hangs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { hostInfo } from '../support/agent-messages.ts';
import { eventually } from '../support/eventually.ts';
import { type AgentRun, page, RestartWorld } from './agent-restart-world.ts';
import { CleanUps } from './agent-world.ts';

const MODULE = { modid: 51, cmdid: 1 };
const PORT = 21;

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

async function openWorld(): Promise<RestartWorld> {
  const world = await RestartWorld.open(cleanUps);
  world.dns.setRoute(MODULE.modid, MODULE.cmdid, [hostInfo(PORT)]);
  return world;
}

function succ({ reporter }: RestartWorld): number {
  return reporter.calls(MODULE.modid, MODULE.cmdid)[PORT]?.succ ?? 0;
}

async function report(run: AgentRun, calls: number): Promise<void> {
  await run.asker.getHost(MODULE);
  for (let left = calls; left > 0; left -= 100) await run.asker.report(MODULE, PORT, Array(Math.min(left, 100)).fill(true));
}

async function reporterDetail(run: AgentRun): Promise<string> {
  return String(JSON.parse(await page(run, '/healthz')).details.reporter);
}

test('an agent that is stopped while it waits between attempts connects at once, and delivers all calls', async () => {
  const world = await openWorld();
  await world.reporter.stop();
  // The next attempt would be in half a minute or more.
  const run = await world.start('', 600_000);
  await run.process.logged('reporter: cannot connect');
  await report(run, 1_000);
  await world.reporter.start();
  const { code } = await run.process.interrupt();
  expect([code, succ(world)]).toEqual([0, 1_000]);
  expect(existsSync(world.file('agent-unsent'))).toBe(false);
}, 60_000);

test('what could not be delivered is sent by the next start under the same name and numbers, so that each call counts once', async () => {
  const world = await openWorld();
  const first = await world.start();
  await report(first, 100);
  await eventually('the reporter has them', () => succ(world) === 100);
  // From now on it takes what comes, and does not say so.
  world.reporter.acknowledges = false;
  await report(first, 200);
  await eventually('the reporter has these too', () => succ(world) === 300);
  await world.reporter.stop();
  await report(first, 300);
  const stopped = await first.process.interrupt();
  expect([stopped.code, existsSync(world.file('agent-unsent'))]).toEqual([0, true]);
  expect(stopped.tookMs).toBeLessThan(4_000);
  expect(stopped.err).toContain('the last reports are kept for the next start');

  // The next run cannot deliver them either, and adds what it has.
  const second = await world.start();
  await report(second, 50);
  expect((await second.process.interrupt()).code).toBe(0);

  world.reporter.acknowledges = true;
  await world.reporter.start();
  const third = await world.start();
  await eventually('the reporter has all calls', () => succ(world) === 650);
  await eventually('the file is gone', () => !existsSync(world.file('agent-unsent')));
  await report(third, 7);
  await third.process.interrupt();
  expect(succ(world)).toBe(657);
  expect(new Set(world.reporter.reports.map(({ agent }) => agent)).size).toBe(3);
}, 60_000);

test('a file that is no file of unsent reports is named, and left alone', async () => {
  const world = await openWorld();
  world.folder.write('data/agent-unsent', 'somebody else wrote this');
  const run = await world.start();
  await run.process.logged('was not written by LARS');
  const { err } = await run.process.interrupt();
  expect(err).toContain('[agent] unsent_file');
  expect(world.fileHas('agent-unsent', Buffer.from('somebody else wrote this'))).toBe(true);
}, 60_000);

test('a reporter that hangs and is killed gets all calls after its return, also those of an agent that was started meanwhile', async () => {
  const world = await openWorld();
  const database = path.join(world.folder.path, 'data', 'lars.db');
  const reporterConf = (port: number) =>
    world.folder.write('conf/reporter.ini', `[tcp]\nport = ${port}\n[http]\nport = 0\n[database]\nfile = ${database}\n`);
  reporterConf(0);
  const hanging = world.folder.start(['reporter', '--conf', 'conf/reporter.ini', '--json']);
  const { reporter } = await hanging.ready;
  reporterConf(reporter.tcpPort);
  world.reporterPort = reporter.tcpPort;
  const first = await world.start();
  await report(first, 100);
  await eventually('it is known to acknowledge', () => existsSync(`${world.file('agent-unsent')}.reporter`));
  hanging.signal('SIGSTOP');
  await report(first, 200);
  await first.process.interrupt();
  const second = await world.start();
  await report(second, 300);
  // Longer than an acknowledgement takes.
  await second.process.logged('it does not acknowledge');
  await report(second, 400);
  hanging.signal('SIGKILL');
  await hanging.ended;
  const back = world.folder.start(['reporter', '--conf', 'conf/reporter.ini', '--json']);
  await back.ready;
  await eventually('the agent is connected', async () => (await reporterDetail(second)).endsWith(' connected'));
  await second.process.interrupt();
  await back.interrupt();
  expect(await storedCalls(database)).toBe(1_000);
  expect(existsSync(world.file('agent-unsent'))).toBe(false);
}, 120_000);

async function storedCalls(database: string): Promise<number> {
  const script = `const { DatabaseSync } = require('node:sqlite');
    const row = new DatabaseSync(process.argv[1]).prepare('SELECT SUM(succ + err) AS calls FROM CallHistory').get();
    process.stdout.write(String(row.calls));`;
  const child = spawn(process.execPath, ['-e', script, database], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (text: Buffer) => {
    out += text;
  });
  await once(child, 'close');
  return Number(out);
}
