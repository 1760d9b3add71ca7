/** OpenSSH behind the proxy: server and client both speak first, keys are exchanged, and a session stays with its server. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { hasPrograms } from '../support/needed-programs.ts';
import { CleanUps } from './agent-world.ts';
import { folderFor, type ProxyWorld, RealServer, runProgram, startProxyWorld } from './proxy-world.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const CONF = `[listeners]
policy = round_robin
sniff_timeout = 50
[listen ssh]
address = 127.0.0.1:0
module = 10/1
[listen beside_tls]
address = 127.0.0.1:0
module = 10/1
server_names = web.example=10/9
`;
const PROGRAMS = ['sshd', 'ssh', 'ssh-keygen'];

describe.runIf(hasPrograms('openssh-server openssh-client', PROGRAMS))('OpenSSH', () => {
  const cleanUps = new CleanUps();
  const keys = folderFor(cleanUps);
  const key = path.join(keys, 'user');
  let servers: readonly RealServer[];
  let world: ProxyWorld;

  beforeAll(async () => {
    makeKey(key);
    servers = await Promise.all(['one', 'two'].map(name => startSshd(cleanUps, path.join(keys, name), `${key}.pub`)));
    world = await startProxyWorld(cleanUps, { routes: { '10/1': servers.map(({ host }) => host) }, conf: CONF });
  });
  afterAll(() => cleanUps.run());

  test.each([0, 1])('a session passes, a megabyte each way (listener %i)', async listener => {
    const text = 'LARS '.repeat(200_000);
    const { code, out, err } = await ssh(world.ports[listener] as number, key, 'cat', text);
    expect([code, err]).toStrictEqual([0, '']);
    expect(out === text).toBe(true);
  });

  test('its exit code comes through', async () => {
    expect((await ssh(world.port, key, 'exit 7')).code).toBe(7);
  });

  test('a client that says nothing is greeted, beside TLS too', async () => {
    for (const port of world.ports) {
      const socket = connect({ port, host: '127.0.0.1' });
      const greeting = await new Promise<string>((resolve, reject) => {
        socket.once('data', data => resolve(data.toString()));
        socket.once('error', reject);
      });
      socket.destroy();
      expect(greeting).toMatch(/^SSH-2\.0-/);
    }
  });

  test('where one is killed, sessions go to the other', async () => {
    await servers[0]?.kill();
    for (let each = 0; each < 3; each++) expect((await ssh(world.port, key, 'true')).code).toBe(0);
  });
});

function makeKey(file: string): void {
  const { status, stderr } = spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
  if (status !== 0) throw new Error(`ssh-keygen: ${stderr}`);
}

function startSshd(cleanUps: CleanUps, folder: string, authorized: string): Promise<RealServer> {
  // It must be started by its whole path, and as root wants this folder, which the system's own one makes when it starts.
  const program =
    (process.env['PATH'] ?? '')
      .split(':')
      .map(each => path.join(each, 'sshd'))
      .find(existsSync) ?? 'sshd';
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  return RealServer.start(cleanUps, folder, program, (port, own) => {
    const [hostKey, conf] = [path.join(own, 'host'), path.join(own, 'sshd_config')];
    makeKey(hostKey);
    const lines = ['ListenAddress 127.0.0.1', `HostKey ${hostKey}`, `AuthorizedKeysFile ${authorized}`];
    writeFileSync(conf, [...lines, 'StrictModes no', 'UsePAM no', 'PidFile none', ''].join('\n'));
    return ['-D', '-f', conf, '-p', String(port)];
  });
}

function ssh(port: number, key: string, command: string, input = '') {
  const options = ['BatchMode=yes', 'StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR'];
  const args = ['-F', '/dev/null', '-i', key, '-p', String(port), ...options.flatMap(option => ['-o', option])];
  return runProgram('ssh', [...args, `${userInfo().username}@127.0.0.1`, command], input);
}
