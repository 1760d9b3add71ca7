/** Changes of routes leave a trace, can be looked at before, and taken back. */
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { LarsFolder } from './cli-process.ts';

vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 });

let folder: LarsFolder;
beforeEach(async () => {
  folder = new LarsFolder();
  folder.writeStandardConf();
  await route('import', '-', '--create', input('1,1,10.0.0.1:80\n1,1,10.0.0.2:80,50,eu\n2,1,10.0.0.3:80\n'));
});
afterEach(() => folder.dispose());

interface Input {
  readonly text: string;
}

function input(text: string): Input {
  return { text };
}

/** Runs `lars route`; the last argument may be what stands on standard input. */
function route(...args: readonly (string | Input)[]) {
  const words = args.filter(arg => typeof arg === 'string');
  const given = args.find(arg => typeof arg !== 'string');
  return folder.runHere(['route', ...words], given?.text);
}

async function exported(): Promise<string> {
  return (await route('export')).out;
}

function sql(statement: string): void {
  const database = new Database(path.join(folder.path, 'data/lars.db'));
  database.exec(statement);
  database.close();
}

test('a change is shown before, made, found in the history, and undone', async () => {
  const before = await exported();
  const dry = await route('remove', '1/1', '10.0.0.2:80', '--dry-run');
  expect(dry).toMatchObject({
    code: 0,
    err: '',
    out: expect.stringMatching(
      /^- 1\/1 10\.0\.0\.2:80 weight 50 zone eu\n1\/1: would be: 1 host removed in 1 module; the last revision is 1\nnothing was changed\n$/,
    ),
  });
  expect(await exported()).toBe(before);
  expect(await route('remove', '1/1', '10.0.0.2:80', '-m', 'it is broken')).toMatchObject({ code: 0 });
  const { out } = await route('history');
  expect(out).toMatch(/\n +2 +\d{4}-\S+Z +\S+@\S+ +-1 +lars route remove 1\/1 10\.0\.0\.2:80: it is broken\n/);
  expect((await route('diff', '1')).out).toBe('- 1/1 10.0.0.2:80 weight 50 zone eu\n1 difference\n');
  expect(await route('undo', '2')).toMatchObject({ code: 0, out: '1 host added in 1 module; revision 3\n' });
  expect(await exported()).toBe(before);
  expect((await route('diff', '1')).out).toBe('no difference\n');
  expect((await route('history', '2/1')).out.split('\n').filter(line => /^ +\d/.test(line))).toHaveLength(1);
  expect((await route('history', '-n', '2')).out).toMatch(/^revision[^\n]*\n +3 [^\n]*\n +2 [^\n]*\n\n/);
});

test('an undo of what was changed since shows that, has an exit code of its own, and changes nothing', async () => {
  await route('add', '1/1', '10.0.0.9:80');
  await route('drain', '1/1', '10.0.0.9:80');
  const before = await exported();
  expect(await route('undo', '2')).toMatchObject({
    code: 4,
    out: '~ 1/1 10.0.0.9:80 drain no → yes\n',
    err: 'lars: revision 2 cannot be undone: a host of it was changed since\n',
  });
  expect(await route('undo', '77')).toMatchObject({
    code: 1,
    err: expect.stringContaining('no change in the history has revision 77'),
  });
  expect(await exported()).toBe(before);
});

test('what removes much shows the difference and wants --yes', async () => {
  const before = await exported();
  const refused = await route('import', '-', '--replace', input('1,1,10.0.0.1:80\n'));
  expect(refused).toMatchObject({
    code: 3,
    out: '- 1/1 10.0.0.2:80 weight 50 zone eu\n- 2/1 10.0.0.3:80\nwould be: 2 hosts removed in 2 modules; the last revision is 1\n',
    err: 'lars: module 2/1 would have no host any more; nothing was changed: add --yes to mean it\n',
  });
  expect(await exported()).toBe(before);
  expect(await route('import', '-', '--replace', '--yes', input('1,1,10.0.0.1:80\n'))).toMatchObject({
    code: 0,
    out: '2 hosts removed in 2 modules; revision 2\n',
  });
});

describe('apply', () => {
  const FILE =
    'routes:\n  - modid: 1\n    cmdid: 1\n    hosts:\n      - 10.0.0.1:80\n      - {host: 10.0.0.2, port: 80, weight: 60, zone: eu}\n';

  test('does what diff -f says, once, and prunes when told', async () => {
    folder.write('routes.yaml', FILE);
    expect((await route('diff', '-f', 'routes.yaml')).out).toBe('~ 1/1 10.0.0.2:80 weight 50 → 60\n1 difference\n');
    expect((await route('apply', '-f', 'routes.yaml')).out).toBe(
      '~ 1/1 10.0.0.2:80 weight 50 → 60\n1 host updated in 1 module; 1 host not named, and left; revision 2\n',
    );
    expect((await route('apply', '-f', 'routes.yaml')).out).toBe('nothing to change; 1 host not named, and left; revision 2\n');
    expect(await route('apply', '-f', 'routes.yaml', '--prune')).toMatchObject({
      code: 3,
      out: expect.stringContaining('- 2/1 10.0.0.3:80\n'),
    });
    expect(await route('apply', '-f', 'routes.yaml', '--prune', '--yes')).toMatchObject({ code: 0 });
    expect((await route('apply', '-f', 'routes.yaml', '--prune')).out).toBe('nothing to change; revision 3\n');
  });

  test('names file, line and column of a mistake, and refuses a file without routes', async () => {
    folder.write('routes.yaml', FILE.replace('weight', 'wieght'));
    expect(await route('apply', '-f', 'routes.yaml')).toMatchObject({
      code: 1,
      err: "lars: routes.yaml: line 6, column 44: key 'wieght' is not known; did you mean weight?\n",
    });
    for (const empty of ['', '# nothing\n', 'routes: []\n', '[]'])
      expect(await route('apply', '--prune', '--yes', '-f', '-', input(empty))).toMatchObject({
        code: 1,
        err: expect.stringMatching(/^lars: standard input: [^\n]*\n$/),
      });
    expect((await route('list')).out).toContain('3 hosts in 2 modules');
  });
});

describe('what was changed by hand', () => {
  test('is recorded and logged by a running dnsserver, once, and can be undone', async () => {
    const before = await exported();
    const dnsserver = folder.start(['dnsserver', '--json']);
    await dnsserver.ready;
    sql('DELETE FROM RouteData WHERE serverport = 80 AND modid = 2');
    await dnsserver.logged('"by":"by hand"');
    const sets = async () => JSON.parse((await route('history', '--json')).out).changeSets;
    const [hand, first] = await eventually('it is in the history', async () => ((await sets()).length === 2 ? sets() : false));
    expect(hand).toMatchObject({ author: 'by hand', command: 'SQL', removed: 1 });
    expect(hand.revision).toBeGreaterThan(first.revision);
    expect(await route('undo', String(hand.revision), '-m', 'who was that')).toMatchObject({ code: 0 });
    await dnsserver.logged('"reason":"who was that"');
    expect(await exported()).toBe(before);
    const { err } = await dnsserver.interrupt();
    expect(err.match(/"msg":"routes were changed"/g)).toHaveLength(2);
    expect(await sets()).toHaveLength(3);
  });

  test('is recorded by the next command when no dnsserver runs', async () => {
    sql('UPDATE RouteData SET weight = 9 WHERE modid = 2');
    expect((await route('history')).out).toContain('changed by hand and not recorded yet: ~1\n');
    await route('add', '3/1', '10.0.0.4:80');
    const { out } = await route('history');
    expect(out).toMatch(/by hand +~1 +SQL\n/);
    expect(out).not.toContain('not recorded yet');
  });
});

describe('the version of the schema', () => {
  test('that is newer is refused by commands and dnsserver with one line', async () => {
    sql("UPDATE SchemaVersion SET version = 99 WHERE part = 'routes'");
    const line =
      /^lars: database data\/lars\.db has schema version 99 of its routes, and this program knows versions up to 2: use a newer one\n$/;
    for (const args of [['list'], ['add', '1/1', '10.0.0.1:80'], ['clear', '--dry-run']])
      expect(await route(...args)).toMatchObject({ code: 1, out: '', err: expect.stringMatching(line) });
    expect(await folder.run(['dnsserver'])).toMatchObject({ code: 1, err: expect.stringMatching(/schema version 99[^\n]*\n$/) });
  });

  test('that is older is upgraded, with a line that says what was done', async () => {
    sql(
      'DROP TABLE SchemaVersion; DROP TABLE RouteHistory; DROP TABLE RouteRecorded; DROP TABLE RouteChangeSet; DROP TABLE RouteChangeSetRow',
    );
    const { code, out, err } = await folder.run(['route', 'list']);
    expect(code).toBe(0);
    expect(out).toContain('3 hosts in 2 modules');
    expect(err).toMatch(/^lars: database data\/lars\.db: schema version of routes 1 -> 2: made tables RouteChangeSet, [^\n]*\n$/);
    expect((await route('history')).out).toBe('all changes behind revision 1 are known\n');
    expect(await route('undo', '1')).toMatchObject({ code: 1 });
    expect(await route('diff', '0')).toMatchObject({
      code: 1,
      err: 'lars: revision 0 is too old: the history begins at revision 1\n',
    });
  });
});
