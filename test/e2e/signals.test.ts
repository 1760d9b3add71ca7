/** Signals that are not meant to end a service do not end it. */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LarsFolder } from './cli-process.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const LARS = fileURLToPath(new URL('../../cli/bin/lars.js', import.meta.url));

let folder: LarsFolder;
beforeEach(() => {
  folder = new LarsFolder();
  folder.writeStandardConf();
});
afterEach(() => folder.dispose());

/** The conf file whose keys are changed, for each command. */
const COMMANDS = [
  ['agent', 'agent', 'udp'],
  ['dnsserver', 'dnsserver', 'tcp'],
  ['reporter', 'reporter', 'tcp'],
  ['up', 'reporter', 'tcp'],
] as const;

describe.each(COMMANDS)('lars %s', (command, service, section) => {
  test('reloads its conf at SIGHUP, and goes on with the one before when the new one is wrong', async () => {
    const conf = `conf/${service}.ini`;
    const running = folder.start([command, '--json']);
    await running.ready;
    running.signal('SIGHUP');
    await running.logged('conf reloaded: nothing has changed');
    folder.write(conf, `[${section}]\nport = 0\n[http]\nport = 7\n[log]\nlevel = debug\n`);
    running.signal('SIGHUP');
    await running.logged('"changes":"[http] port: 0 → 7","msg":"conf reloaded: needs a restart"');
    await running.logged('"changes":"[log] level: info → debug","msg":"conf reloaded: applied"');
    folder.write(conf, `[${section}]\nport = many\n`);
    running.signal('SIGHUP');
    await running.logged(`"error":"${conf}:2: [${section}] port = many: expected an integer`);
    expect(await running.interrupt()).toMatchObject({ code: 0 });
  });

  test('takes no harm from SIGUSR1 and SIGUSR2', async () => {
    const running = folder.start([command, '--json']);
    await running.ready;
    for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) {
      running.signal(signal);
      await running.logged(`${signal}: does nothing here`);
    }
    const { code, err } = await running.interrupt();
    expect(code, err).toBe(0);
    expect(err).not.toContain('Debugger');
  });
});

test('a service under nohup goes on when its terminal is gone, and reloads', async () => {
  folder.write('nohup.mjs', NOHUP);
  const running = folder.start([], { program: path.join(folder.path, 'nohup.mjs') });
  await running.logged('reporter ready');
  running.signal('SIGHUP');
  await running.logged('conf reloaded: nothing has changed');
  await sleep(100);
  expect(await running.interrupt()).toMatchObject({ code: 0 });
});

/** Replaces itself, so that signals go to the service. */
const NOHUP = `
  process.execve('/usr/bin/env', ['env', 'nohup', process.execPath, '${LARS}', 'reporter'], process.env);
`;
