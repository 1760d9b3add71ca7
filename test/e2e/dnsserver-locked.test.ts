/** A database that another process has locked before it is in WAL mode, and files that cannot be opened. */
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { askHealth } from '../../cli/src/system/ask-health.ts';
import { eventually } from '../support/eventually.ts';
import { connectAgent } from '../unit/dnsserver/agent-connection.ts';
import { LarsFolder } from './cli-process.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let folder: LarsFolder;
beforeEach(() => {
  folder = new LarsFolder();
  folder.writeStandardConf();
  mkdirSync(path.join(folder.path, 'data'));
});
afterEach(() => folder.dispose());

/** A new database in the deployed journal mode, locked until `unlock`. */
function lockedDatabase(name: string): { unlock(): void } {
  const database = new Database(path.join(folder.path, name));
  onTestFinished(() => void database.close());
  database.exec('CREATE TABLE Other (id); BEGIN EXCLUSIVE');
  return { unlock: () => void database.exec('COMMIT') };
}

describe('a database that is locked and not in WAL mode', () => {
  test('has a command say what it waits for, and give up after ten seconds', async () => {
    lockedDatabase('data/lars.db');
    const began = performance.now();
    const { code, err } = await folder.run(['route', 'list']);
    expect(performance.now() - began).toBeGreaterThan(9_000);
    expect(performance.now() - began).toBeLessThan(20_000);
    expect(code).toBe(1);
    expect(err).toMatch(/^lars: waiting for database \/.*lars.db: another process has locked it; giving up in 9 s\n/);
    expect(err).toMatch(
      /database data\/lars.db \(conf key \[database\] file\) cannot be opened: another process has locked it \(waited 10 s\)\n$/,
    );
  });

  test.each(['dnsserver', 'reporter', 'up'])('has lars %s wait, and it stops when it is told', async command => {
    lockedDatabase('data/lars.db');
    const process = folder.start([command, '--json']);
    await process.logged('waiting for database');
    const began = performance.now();
    process.signal('SIGTERM');
    const { code, err } = await process.ended;
    expect(performance.now() - began).toBeLessThan(2_000);
    expect({ code, err }).toMatchObject({
      code: 0,
      err: expect.stringContaining('SIGTERM: stopped before the start was through'),
    });
  });

  test('is waited for, and used as soon as it is free', async () => {
    const { unlock } = lockedDatabase('data/lars.db');
    const process = folder.start(['dnsserver', '--json']);
    await process.logged('waiting for database');
    unlock();
    await process.ready;
    expect((await process.interrupt()).code).toBe(0);
  });
});

test('a folder that cannot be made is named at once', async () => {
  const { code, err } = await folder.run(['route', 'add', '1/1', '10.0.0.1:80', '--db', '/proc/no/such/lars.db', '--create']);
  expect(code).toBe(1);
  expect(err).toMatch(
    /^lars: database \/proc\/no\/such\/lars.db \(conf key \[database\] file\) cannot be opened: folder \/proc\/no/,
  );
});

describe('under a running dnsserver', () => {
  async function running() {
    await folder.run(['route', 'add', '1/1', '10.0.0.1:80', '--db', 'data/lars.db', '--create']);
    const process = folder.start(['dnsserver', '--json']);
    const { pid, dnsserver } = await process.ready;
    const remove = () => {
      for (const suffix of ['', '-wal', '-shm']) rmSync(path.join(folder.path, `data/lars.db${suffix}`), { force: true });
    };
    const keep = path.join(folder.path, 'data/good.db');
    const source = new Database(path.join(folder.path, 'data/lars.db'));
    await source.backup(keep);
    source.close();
    const put = (name: string) => {
      remove();
      renameSync(path.join(folder.path, name), path.join(folder.path, 'data/lars.db'));
    };
    const outage = async () => {
      const answer = await askHealth('127.0.0.1', dnsserver.httpPort);
      return answer.kind === 'health' ? answer.health.details['outage'] : 'no answer';
    };
    return { process, dnsserver, put, remove, outage, descriptors: () => readdirSync(`/proc/${pid}/fd`).length };
  }

  test('a file that is locked delays no answer, and loses no descriptor', async () => {
    const { process, dnsserver, put, outage, descriptors } = await running();
    const agent = await connectAgent(dnsserver.tcpPort);
    await agent.answer(1, 1);
    const before = descriptors();
    const { unlock } = lockedDatabase('data/other.db');
    put('data/other.db');
    await eventually('the outage is told', async () => String(await outage()).includes('locked'));
    let slowest = 0;
    for (let asked = 0; asked < 100; asked++) {
      const began = performance.now();
      expect((await agent.answer(1, 1)).host).toHaveLength(1);
      slowest = Math.max(slowest, performance.now() - began);
      await delay(20);
    }
    expect(slowest).toBeLessThan(200);
    expect(descriptors()).toBeLessThan(before + 8);
    unlock();
    await eventually('the file is read', async () => (await outage()) === undefined);
    expect((await process.interrupt()).code).toBe(0);
  });

  test('a file that is deleted leaves its routes served, and a new one of that name is read', async () => {
    const { process, dnsserver, put, remove, outage } = await running();
    const status = async () => {
      const answer = await askHealth('127.0.0.1', dnsserver.httpPort);
      return answer.kind === 'health' ? answer.health.status : 'no answer';
    };
    remove();
    await eventually('the loss is told', async () => String(await outage()).includes('was deleted'));
    await eventually('it is degraded', async () => (await status()) === 'degraded');
    const agent = await connectAgent(dnsserver.tcpPort);
    expect((await agent.answer(1, 1)).host).toHaveLength(1);
    await folder.run(['route', 'add', '2/2', '10.0.0.2:80', '--db', 'data/new.db', '--create']);
    put('data/new.db');
    await eventually('the new file is read', async () => (await agent.answer(2, 2)).host.length === 1);
    await eventually('it is well again', async () => (await status()) === 'ok');
    expect((await process.interrupt()).code).toBe(0);
  });

  test('a file that is no database loses no descriptor, and dnsserver goes on when the good one is back', async () => {
    const { process, dnsserver, put, outage, descriptors } = await running();
    const before = descriptors();
    writeFileSync(path.join(folder.path, 'data/bad.db'), 'This is no database. '.repeat(500));
    put('data/bad.db');
    await eventually('the outage is told', async () => (await outage()) !== undefined);
    await delay(3_000);
    expect(descriptors()).toBeLessThan(before + 8);
    put('data/good.db');
    await eventually('the good file is read', async () => (await outage()) === undefined);
    await folder.run(['route', 'add', '2/2', '10.0.0.2:80', '--db', 'data/lars.db']);
    const agent = await connectAgent(dnsserver.tcpPort);
    await eventually('a new route is served', async () => (await agent.answer(2, 2)).host.length === 1);
    expect((await process.interrupt()).code).toBe(0);
  });
});
