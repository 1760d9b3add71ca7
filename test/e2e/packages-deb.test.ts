/** The .deb, installed, upgraded, removed and purged in a root folder of its own, and its services run from there. */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { agentConfigTable } from '@lars/agent';
import { dnsserverConfigTable } from '@lars/dnsserver';
import { proxyConfigTable } from '@lars/proxy';
import { reporterConfigTable } from '@lars/reporter';
import { readConfigFile } from '@lars/runtime/config/config';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { systemdUnits } from '../../scripts/release/systemd-units.ts';
import { projectVersion } from '../../scripts/release/workspace.ts';
import { eventually } from '../support/eventually.ts';
import { hasPrograms } from '../support/needed-programs.ts';
import { CleanUps } from './agent-world.ts';
import { agentOf, LarsFolder } from './cli-process.ts';
import { chrootScript, readContainerfile } from './packages/containerfile.ts';
import { DebRoot } from './packages/deb-root.ts';
import { releaseDeb } from './packages/release-deb.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 300_000 });

const run = promisify(execFile);
const NEXT = '99.0.0';
/** Exposure in tenths, of 100: what systemd calls OK ends at 4.9. */
const MAX_EXPOSURE = 25;

const cleanUps = new CleanUps();
afterAll(() => cleanUps.run());

/** Only root may make users, and give files to them. */
const isRoot = process.getuid?.() === 0;
if (!isRoot) process.stderr.write('tests are left out: dpkg installs packages for root alone\n');

/** Containers themselves may not, mostly. */
function mayMountOverlays(): boolean {
  const { status, stderr } = spawnSync(
    'unshare',
    ['--mount', 'sh', '-c', 'cd "$(mktemp -d)" && mkdir u w m && mount -t overlay overlay -o lowerdir=/,upperdir=u,workdir=w m'],
    { encoding: 'utf8' },
  );
  if (status !== 0) process.stderr.write(`a test is left out: no overlay can be mounted: ${stderr}\n`);
  return status === 0;
}

describe.runIf(isRoot && hasPrograms('dpkg', ['dpkg', 'dpkg-deb', 'useradd']))('the .deb', () => {
  const making = new DebRoot();
  const root = new DebRoot();
  const folder = new LarsFolder();
  cleanUps.add(() => making.remove());
  cleanUps.add(() => root.remove());
  cleanUps.add(() => folder.dispose());

  /** The installed command, whose conf is named, because it lies below the root folder. */
  const lars = (...args: string[]) =>
    run(root.file('usr/bin/lars'), args, {
      cwd: folder.path,
      env: { PATH: process.env['PATH'], LARS_CONF_DIR: root.file('etc/lars') },
    });

  beforeAll(() => root.dpkg('--install', releaseDeb(making.path, projectVersion())));

  test('brings the command, its Node.js, a user, and a folder for data that others cannot read', async () => {
    expect(await lars('--version')).toMatchObject({ stdout: `${projectVersion()}\n`, stderr: '' });
    const [, , uid, gid, , home, shell] = (root.read('etc/passwd').match(/^lars:.*$/m)?.[0] ?? '').split(':');
    expect([home, shell]).toStrictEqual(['/var/lib/lars', '/usr/sbin/nologin']);
    const data = statSync(root.file('var/lib/lars'));
    expect([data.uid, data.gid, data.mode & 0o777]).toStrictEqual([Number(uid), Number(gid), 0o750]);
  });

  test('its conf files load, and name the folder of the data', () => {
    const conf = (name: string) => root.file(`etc/lars/${name}.ini`);
    const agent = readConfigFile(agentConfigTable, conf('agent')).config.agent;
    expect(agent).toMatchObject({ routes_file: '/var/lib/lars/agent-routes', unsent_file: '/var/lib/lars/agent-unsent' });
    expect(readConfigFile(dnsserverConfigTable, conf('dnsserver')).config.database.file).toBe('/var/lib/lars/lars.db');
    expect(readConfigFile(reporterConfigTable, conf('reporter')).config.database.file).toBe('/var/lib/lars/lars.db');
    expect(readConfigFile(proxyConfigTable, conf('proxy')).config.http.port).toBe(7783);
  });

  test('an upgrade keeps what was changed of the conf, and the data; removing keeps both; purging removes them', async () => {
    const database = root.file('var/lib/lars/lars.db');
    const file = `[database]\nfile = ${database}\n[tcp]\nport = 0\n[http]\nport = 0\n`;
    root.write('etc/lars/dnsserver.ini', file);
    root.write('etc/lars/reporter.ini', file);
    const own = ['routes', 'unsent'].map(name => `${name}_file = ${root.file(`var/lib/lars/agent-${name}`)}`).join('\n');
    root.write('etc/lars/agent.ini', `[udp]\nport = 0\n[http]\nport = 0\n[agent]\n${own}\n`);
    await lars('route', 'add', '1/1', '127.0.0.1:9001', '--create');
    root.dpkg('--install', releaseDeb(making.file('next'), NEXT));
    expect((await lars('--version')).stdout).toBe(`${NEXT}\n`);
    expect(root.read('etc/lars/dnsserver.ini')).toBe(file);

    const system = folder.start(['--conf-dir', root.file('etc/lars'), 'up', '--json'], {
      program: root.file('usr/lib/lars/node_modules/lars/bin/lars.js'),
      node: root.file('usr/lib/lars/node'),
    });
    const ready = await system.ready;
    expect(ready.agent).toMatchObject({ transport: process.platform === 'linux' ? 'mmsg' : 'dgram' });
    const host = await eventually('the agent has the route', () =>
      lars('gethost', '1', '1', agentOf(ready)).then(
        ({ stdout }) => stdout,
        () => false,
      ),
    );
    expect(host).toContain('127.0.0.1:9001');
    expect(await system.interrupt()).toMatchObject({ code: 0 });

    root.dpkg('--remove', 'lars');
    expect(existsSync(root.file('usr/lib/lars'))).toBe(false);
    expect(root.read('etc/lars/dnsserver.ini')).toBe(file);
    expect(existsSync(database)).toBe(true);
    mkdirSync(root.file('etc/lars/tls'));
    root.dpkg('--purge', 'lars');
    expect(existsSync(root.file('etc/lars/dnsserver.ini'))).toBe(false);
    expect(existsSync(root.file('etc/lars/tls'))).toBe(true);
    expect(existsSync(root.file('var/lib/lars'))).toBe(false);
  });

  test.runIf(mayMountOverlays())('in the steps of the Containerfile it makes a container that runs the system', async () => {
    const file = readFileSync(new URL('../../packaging/Containerfile', import.meta.url), 'utf8');
    const instructions = readContainerfile(file);
    const jsonOf = (name: string): string[] => JSON.parse(instructions.find(one => one.name === name)?.text ?? '[]');
    folder.writeStandardConf();
    const options = { folder: making.path, context: making.path, conf: path.join(folder.path, 'conf') };
    folder.write('container.sh', chrootScript(instructions, options));
    const [program = '', ...args] = [...jsonOf('ENTRYPOINT'), ...jsonOf('CMD')];
    const container = folder.start([...args, '--json', '--conf-dir', '/conf'], {
      node: '/usr/bin/env',
      program,
      shell: ['unshare', '--mount', 'sh', path.join(folder.path, 'container.sh')],
    });
    const ready = await container.ready;
    expect(ready.dnsserver.database).toBe('data/lars.db');
    const response = await fetch(`http://127.0.0.1:${ready.agent.httpPort}/healthz`);
    expect(await response.json()).toMatchObject({ service: 'agent', pid: ready.pid });
    expect(await container.interrupt()).toMatchObject({ code: 0 });
  });

  describe.runIf(hasPrograms('systemd', ['systemd-analyze']))('its systemd units', () => {
    const units = [...systemdUnits().keys()];

    test.each(units)('%s is right, and lets the service do little else than its work', async unit => {
      const file = path.join(folder.path, unit);
      // The command that it starts is looked for in the machine.
      folder.write(unit, (systemdUnits().get(unit) as string).replaceAll('/usr/bin/lars', process.execPath));
      const verified = await run('systemd-analyze', ['verify', '--man=no', file]);
      expect(verified).toStrictEqual({ stdout: '', stderr: '' });
      await run('systemd-analyze', ['security', '--no-pager', '--offline=true', `--threshold=${MAX_EXPOSURE}`, file]);
    });
  });
});
