/** What cannot be written is an error; files are whole or not there; who may only read can read. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LarsFolder } from './cli-process.ts';

vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 });

const LARS = `${process.execPath} ${fileURLToPath(new URL('../../cli/bin/lars.js', import.meta.url))}`;
const IS_ROOT = process.getuid?.() === 0;
const NOBODY = 65_534;
const CAN_MOUNT = succeeds('unshare', '-rm', 'true');
const HAS_FULL_DEVICE = existsSync('/dev/full');

function succeeds(program: string, ...args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

let folder: LarsFolder;
beforeEach(() => {
  folder = new LarsFolder();
});
afterEach(() => folder.dispose());

/** Runs a script of the shell in the folder; `lars` is the built command. */
function shell(script: string, uid?: number) {
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', `lars() { ${LARS} "$@"; }; ${script}`], {
    cwd: folder.path,
    env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' },
    encoding: 'utf8',
    timeout: 80_000,
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  return { code: status, out: stdout, err: stderr };
}

const LINES = Array.from({ length: 3_000 }, (_, n) => `${n},1,10.0.0.1:80\n`).join('');

/** The database r.db with 3,000 hosts. */
async function makeRoutes(): Promise<void> {
  expect(await folder.run(['route', 'import', '-', '--db', 'r.db', '--create'], LINES)).toMatchObject({ code: 0 });
}

describe('a disk that is full', () => {
  test.runIf(HAS_FULL_DEVICE)('is an error of every result', async () => {
    await makeRoutes();
    for (const command of ['route list', 'route export', 'route history', '--help', 'route list --json']) {
      const { code, err } = shell(`lars --conf-dir . ${command.replace('route', 'route --db r.db')} > /dev/full`);
      expect([code, err], command).toEqual([
        1,
        expect.stringMatching(/^lars: the result cannot be written to standard output: ENOSPC[^\n]*\n$/),
      ]);
    }
    expect(lstatSync('/dev/full').isCharacterDevice()).toBe(true);
  });

  test('in the middle of a line is an error, and leaves no half of a file', async () => {
    await makeRoutes();
    const limited = (command: string) => shell(`trap '' XFSZ; ulimit -f 32; lars route --db r.db ${command}`);
    expect(limited('export > cut.csv')).toMatchObject({
      code: 1,
      err: expect.stringContaining('cannot be written to standard output: EFBIG'),
    });
    folder.write('old.csv', 'old\n');
    for (const file of ['new.csv', 'old.csv', 'new.json'])
      expect(limited(`export ${file}`)).toMatchObject({
        code: 1,
        out: '',
        err: expect.stringMatching(`^lars: ${file}: cannot be written: `),
      });
    expect(readFileSync(path.join(folder.path, 'old.csv'), 'utf8')).toBe('old\n');
    expect(readdirSync(folder.path).filter(name => /new|tmp/.test(name))).toEqual([]);
  });

  test.runIf(CAN_MOUNT)('without a byte left is named by a change, and stops no reading', () => {
    mkdirSync(path.join(folder.path, 'small'));
    const script = `mount -t tmpfs -o size=300k tmpfs small && lars route --db small/r.db add 7/7 10.0.0.1:80 --create &&
      ! dd if=/dev/zero of=small/fill bs=1k && ! lars route --db small/r.db add 7/7 10.0.0.2:80 && rm -f small/r.db-* &&
      lars route --db small/r.db export`;
    const { code, out, err } = shell(`unshare -rm sh -c '${`lars() { ${LARS} "$@"; }; ${script}`}'`);
    expect(err).toMatch(/\nlars: [^\n]*small\/r\.db [^\n]*disk is full: [^\n]*\n$/);
    expect([code, out]).toEqual([0, '7/7: 1 host added in 1 module; revision 1\n7,7,10.0.0.1:80\n']);
  });

  test.runIf(CAN_MOUNT)('is named by an import, which changes nothing', () => {
    folder.write('many.csv', LINES);
    mkdirSync(path.join(folder.path, 'small'));
    const script = `mount -t tmpfs -o size=300k tmpfs small && lars route --db small/r.db add 7/7 10.0.0.1:80 --create &&
      ! lars route --db small/r.db import many.csv --replace --yes && lars route --db small/r.db export`;
    const { code, out, err } = shell(`unshare -rm sh -c '${`lars() { ${LARS} "$@"; }; ${script}`}'`);
    expect(err).toMatch(/^lars: the disk of database [^\n]*small\/r\.db is full: [^\n]*\n$/);
    expect([code, out]).toEqual([0, '7/7: 1 host added in 1 module; revision 1\n7,7,10.0.0.1:80\n']);
  });
});

test('a reader that has seen enough is no error', async () => {
  await makeRoutes();
  expect(shell('(lars route --db r.db export; echo "code $?" >&2) | head -n 1')).toEqual({
    code: 0,
    out: '0,1,10.0.0.1:80\n',
    err: 'code 0\n',
  });
});

test('a file is written behind a link, readable for others, and a device stays one', async () => {
  await folder.run(['route', 'add', '1/1', '10.0.0.1:80', '--db', 'r.db', '--create']);
  folder.write('real.csv', '');
  symlinkSync('real.csv', path.join(folder.path, 'link.csv'));
  expect(shell('umask 022; lars route --db r.db export link.csv && lars route --db r.db export new.csv')).toMatchObject({
    code: 0,
  });
  expect(readFileSync(path.join(folder.path, 'real.csv'), 'utf8')).toBe('1,1,10.0.0.1:80\n');
  expect(lstatSync(path.join(folder.path, 'link.csv')).isSymbolicLink()).toBe(true);
  expect(lstatSync(path.join(folder.path, 'new.csv')).mode & 0o777).toBe(0o644);
  expect(shell('lars route --db r.db export /dev/null').code).toBe(0);
  expect(lstatSync('/dev/null').isCharacterDevice()).toBe(true);
});

describe.runIf(IS_ROOT)('a user who may only read', () => {
  const reader = (script: string) => shell(script, NOBODY);

  beforeEach(async () => {
    chmodSync(folder.path, 0o755);
    folder.writeStandardConf();
    await folder.run(['route', 'add', '1/1', '10.0.0.1:80', '--db', 'data/lars.db', '--create']);
    // New databases are their owner's and group's alone; this owner lets everybody read.
    chmodSync(path.join(folder.path, 'data'), 0o755);
    chmodSync(path.join(folder.path, 'data/lars.db'), 0o644);
  });

  const reading = ['route list', 'route export', 'route history', 'route diff 0'];

  test('reads while no service runs, and makes no file', () => {
    const before = readdirSync(path.join(folder.path, 'data'));
    for (const command of reading)
      expect(reader(`lars ${command}`), command).toMatchObject({ code: 0, err: '', out: expect.stringContaining('1') });
    expect(reader('lars route list').out).toContain('10.0.0.1:80');
    expect(readdirSync(path.join(folder.path, 'data'))).toEqual(before);
  });

  test('reads what a running service has just been told', async () => {
    const running = folder.start(['dnsserver', '--json']);
    await running.ready;
    await folder.run(['route', 'add', '1/1', '10.0.0.2:80']);
    for (const command of reading) expect(reader(`lars ${command}`), command).toMatchObject({ code: 0, err: '' });
    expect(reader('lars route list').out).toContain('10.0.0.2:80');
    await running.interrupt();
  });

  test('cannot change anything, and is told; nor read what is closed to him', () => {
    expect(reader('lars route add 1/1 10.0.0.3:80')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^lars: database [^\n]* is not writable [^\n]*\n$/),
    });
    expect(reader('lars route remove 1/1 10.0.0.1:80 --dry-run')).toMatchObject({
      code: 0,
      out: expect.stringContaining('nothing was changed'),
    });
    chmodSync(path.join(folder.path, 'data/lars.db'), 0o600);
    expect(reader('lars route list')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^lars: database [^\n]* cannot be opened: EACCES[^\n]*\n$/),
    });
  });
});
