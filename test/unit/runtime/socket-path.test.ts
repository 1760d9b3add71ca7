import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeAbandonedSocket, socketPathError } from '@lars/runtime/socket-path';
import { afterEach, beforeEach, expect, test } from 'vitest';

let folder = '';
let server: Server | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lars-socket-'));
});

afterEach(async () => {
  await new Promise(resolve => (server === undefined ? resolve(undefined) : server.close(resolve)));
  server = undefined;
  rmSync(folder, { recursive: true });
});

test('a socket that a killed process has left is taken away', async () => {
  const path = join(folder, 'left');
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
  expect(existsSync(path)).toBe(true);
  await removeAbandonedSocket('--socket', path);
  expect(existsSync(path)).toBe(false);
});

test('that of a living process stays, and so does any other file; the error says which it is', async () => {
  const [taken, other] = [join(folder, 'taken'), join(folder, 'other')];
  server = createServer();
  await new Promise<void>(resolve => server?.listen(taken, resolve));
  writeFileSync(other, 'text');
  await expect(removeAbandonedSocket('--socket', taken)).rejects.toThrow(
    `--socket ${taken} is taken: another process listens there`,
  );
  await expect(removeAbandonedSocket('--socket', other)).rejects.toThrow(`--socket ${other} is a file that is no socket`);
  expect([existsSync(taken), existsSync(other)]).toEqual([true, true]);
  await removeAbandonedSocket('--socket', join(folder, 'none'));
});

test.each([
  ['ENOENT', '--socket /a/b cannot be opened: its folder does not exist'],
  ['EACCES', '--socket /a/b may not be opened by this user'],
  ['EBADF', '--socket /a/b cannot be opened: bind EBADF'],
])('%s: %s', (code, message) => {
  expect(socketPathError('--socket', '/a/b', Object.assign(new Error(`bind ${code}`), { code }))).toMatchObject({
    code,
    message,
  });
});
