/** What a service tells systemd, heard as systemd hears it: on a socket that it names. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { hasPrograms } from '../support/needed-programs.ts';
import { CleanUps } from './agent-world.ts';
import { LarsFolder } from './cli-process.ts';

/** Node has no datagrams on UNIX sockets. Prints each as one line. */
const LISTENER = `
import socket, sys
heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
name = sys.argv[1]
heard.bind(chr(0) + name[1:] if name[0] == '@' else name)
print('listening', flush=True)
while True:
    print(heard.recv(1000).decode().replace(chr(10), ' '), flush=True)
`;

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

async function listen(name: string): Promise<readonly string[]> {
  const child = spawn('python3', ['-c', LISTENER, name], { stdio: ['ignore', 'pipe', 'inherit'] });
  cleanUps.add(() => {
    child.kill('SIGKILL');
    return once(child, 'close');
  });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', line => lines.push(line));
  await eventually('the socket is there', () => lines.length > 0);
  return lines;
}

describe.runIf(hasPrograms('python3', ['python3']))('systemd', () => {
  test.each(['a path', 'an abstract name'])('hears of a start, a reload, signs of life and the end, on %s', async kind => {
    const folder = new LarsFolder();
    cleanUps.add(() => folder.dispose());
    folder.writeStandardConf();
    const socket = kind === 'a path' ? join(folder.path, 'notify') : `@lars-test-${process.pid}`;
    const heard = await listen(socket);
    const agent = folder.start(['agent', '--json'], { env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '300000' } });
    await agent.ready;
    await eventually('it lives', () => heard.filter(line => line === 'WATCHDOG=1').length > 2);
    expect(heard[1]).toBe('READY=1');
    agent.signal('SIGHUP');
    await eventually('the reload is through', () => heard.filter(line => line === 'READY=1').length === 2);
    expect(await agent.interrupt()).toMatchObject({ code: 0 });
    const states = heard.filter(line => line !== 'WATCHDOG=1');
    expect(states).toEqual([
      'listening',
      'READY=1',
      expect.stringMatching(/^RELOADING=1 MONOTONIC_USEC=\d+$/),
      'READY=1',
      'STOPPING=1',
    ]);
  });

  test.each([
    ['proxy', ['proxy', '--listen', '127.0.0.1:0=1/1']],
    ['dispatcher', ['dispatch', '--listen', '127.0.0.1:0', '--socket', 'workers']],
  ])('hears of the %s too', async (_, args) => {
    const folder = new LarsFolder();
    cleanUps.add(() => folder.dispose());
    folder.write('conf/proxy.ini', '[http]\nport = 0\n');
    const socket = join(folder.path, 'notify');
    const heard = await listen(socket);
    const service = folder.start([...args, '--json'], { env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '300000' } });
    await service.ready;
    await eventually('it lives', () => heard.filter(line => line === 'WATCHDOG=1').length > 2);
    expect(await service.interrupt()).toMatchObject({ code: 0 });
    expect(heard.filter(line => line !== 'WATCHDOG=1')).toEqual(['listening', 'READY=1', 'STOPPING=1']);
  });
});
