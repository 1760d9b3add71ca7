/** What a service tells systemd, heard as systemd hears it: on a socket that it names. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, test } from 'vitest';
import { writeAgentRoutes } from '../support/agent-routes-file.ts';
import { eventually } from '../support/eventually.ts';
import { hasPrograms } from '../support/needed-programs.ts';
import { CleanUps } from './agent-world.ts';
import { LarsFolder } from './cli-process.ts';

/** Node has no datagrams on UNIX sockets. Prints each as one line, behind the id of the process that has sent it. */
const LISTENER = `
import socket, struct, sys
heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
name = sys.argv[1]
heard.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
heard.bind(chr(0) + name[1:] if name[0] == '@' else name)
print('0 listening', flush=True)
while True:
    text, [(_, _, credentials)], _, _ = heard.recvmsg(1000, socket.CMSG_SPACE(12))
    print(struct.unpack('3i', credentials)[0], text.decode().replace(chr(10), ' '), flush=True)
`;

const hostInfo = { ip: 0x7f_00_00_01, port: 9, addr: '', weight: 0, zone: '', drain: false };

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

interface Heard {
  readonly pid: number;
  readonly state: string;
}

async function listen(name: string): Promise<{ readonly all: readonly Heard[]; states(): readonly string[] }> {
  const child = spawn('python3', ['-c', LISTENER, name], { stdio: ['ignore', 'pipe', 'inherit'] });
  cleanUps.add(() => {
    child.kill('SIGKILL');
    return once(child, 'close');
  });
  const all: Heard[] = [];
  createInterface({ input: child.stdout }).on('line', line => {
    const [pid = '', ...words] = line.split(' ');
    all.push({ pid: Number(pid), state: words.join(' ') });
  });
  await eventually('the socket is there', () => all.length > 0);
  return { all, states: () => all.map(({ state }) => state) };
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
    await eventually('it lives', () => heard.states().filter(line => line === 'WATCHDOG=1').length > 2);
    expect(heard.states()[1]).toBe('READY=1');
    agent.signal('SIGHUP');
    await eventually('the reload is through', () => heard.states().filter(line => line === 'READY=1').length === 2);
    expect(await agent.interrupt()).toMatchObject({ code: 0 });
    const states = heard.states().filter(line => line !== 'WATCHDOG=1');
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
    await eventually('it lives', () => heard.states().filter(line => line === 'WATCHDOG=1').length > 2);
    expect(await service.interrupt()).toMatchObject({ code: 0 });
    expect(heard.states().filter(line => line !== 'WATCHDOG=1')).toEqual(['listening', 'READY=1', 'STOPPING=1']);
  });

  test.each([
    [
      'proxy',
      ['proxy', '--listen', 'unix:place=1/1'],
      '[http]\nport = 0\n[agent]\nroutes_file = routes\n[proxy]\ntakeover_socket = takeover\n',
    ],
    ['dispatcher', ['dispatch', '--listen', 'unix:place', '--socket', 'workers'], ''],
  ])('hears of a %s that takes over, as a reload of its unit starts it', async (_, args, conf) => {
    const folder = new LarsFolder();
    cleanUps.add(() => folder.dispose());
    folder.write('conf/proxy.ini', conf);
    writeAgentRoutes(join(folder.path, 'routes'), [{ modid: 1, cmdid: 1, version: 1, host: [hostInfo] }]);
    const socket = join(folder.path, 'notify');
    const heard = await listen(socket);
    const old = folder.start([...args, '--json'], { env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '300000' } });
    const before = (await old.ready).pid;
    // The environment of another command of the unit names the socket, and says nothing of the watchdog.
    const reload = folder.start([...args, '--takeover', '--detach', '--json'], { env: { NOTIFY_SOCKET: socket } });
    killSuccessor(heard.all);
    expect(await reload.exited).toBe(0);
    expect((await old.ended).code).toBe(0);
    const after = successorIn(heard.all) as number;
    await eventually('the new one lives', () => heard.all.some(({ pid, state }) => pid === after && state === 'WATCHDOG=1'));
    process.kill(after, 'SIGTERM');
    await eventually('it has ended', () => heard.all.some(({ pid, state }) => pid === after && state === 'STOPPING=1'));
    const said = heard.all.filter(({ state }) => state !== 'WATCHDOG=1' && state !== 'listening');
    expect(said).toEqual([
      { pid: before, state: 'READY=1' },
      { pid: before, state: `MAINPID=${after}` },
      { pid: after, state: 'READY=1' },
      { pid: after, state: 'STOPPING=1' },
    ]);
    // A process that is not the main one must say nothing: systemd would write each into its log.
    const leftAt = heard.all.findIndex(({ state }) => state.startsWith('MAINPID'));
    expect(heard.all.slice(leftAt + 1).filter(({ pid }) => pid === before)).toEqual([]);
  });

  test('a new one that fails: the reload fails with its line, and nothing changes', async () => {
    const folder = new LarsFolder();
    cleanUps.add(() => folder.dispose());
    folder.write('conf/proxy.ini', '[http]\nport = 0\n[proxy]\ntakeover_socket = takeover\n');
    const socket = join(folder.path, 'notify');
    const heard = await listen(socket);
    const old = folder.start(['proxy', '--listen', 'unix:place=1/1', '--json'], { env: { NOTIFY_SOCKET: socket } });
    await old.ready;
    folder.write('conf/proxy.ini', '[proxy]\nthreads = many\n');
    const reload = folder.start(['proxy', '--listen', 'unix:place=1/1', '--takeover', '--detach'], {
      env: { NOTIFY_SOCKET: socket },
    });
    expect(await reload.ended).toMatchObject({ code: 1, err: expect.stringContaining('threads') });
    expect((await old.interrupt()).code).toBe(0);
    expect(heard.states()).toEqual(['listening', 'READY=1', 'STOPPING=1']);
  });
});

function successorIn(heard: readonly Heard[]): number | undefined {
  const said = heard.find(({ state }) => state.startsWith('MAINPID='));
  return said === undefined ? undefined : Number(said.state.slice('MAINPID='.length));
}

/** Nobody else ends a process that runs in the background. */
function killSuccessor(heard: readonly Heard[]): void {
  cleanUps.add(() => {
    const pid = successorIn(heard);
    if (pid === undefined) return;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  });
}
