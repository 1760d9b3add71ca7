import { describe, expect, test } from 'vitest';
import { runMain } from '../../support/memory-terminal.ts';

const COMMANDS = [
  'up',
  'agent',
  'dnsserver',
  'reporter',
  'route',
  'gethost',
  'getroute',
  'report',
  'simulate',
  'bench',
  'status',
  'why',
  'top',
  'doctor',
  'completion',
  'help',
  'calls',
  'check',
];
const ROUTE_COMMANDS = [
  'list',
  'add',
  'drain',
  'remove',
  'import',
  'apply',
  'export',
  'history',
  'diff',
  'undo',
  'restore',
  'confirm',
  'clear',
];

describe('help', () => {
  test.each([...COMMANDS.map(name => [name]), ...ROUTE_COMMANDS.map(name => ['route', name])])(
    'of %s %s has examples',
    async (...words) => {
      const { exitCode, out, err } = await runMain(...words.filter(word => word !== undefined), '--help');
      expect(exitCode).toBe(0);
      expect(err).toBe('');
      expect(out).toContain(`\nExamples:\n  lars ${words.join(' ').trim()}`);
      expect(out).toContain('--json');
    },
  );

  test('of lars names every command and the exit codes', async () => {
    const { exitCode, out } = await runMain('--help');
    expect(exitCode).toBe(0);
    for (const command of COMMANDS) expect(out).toContain(`\n  ${command} `);
    expect(out).toContain('Exit codes: 0 done; 1 failed');
  });

  test('comes without a command too, but on standard error and as bad usage', async () => {
    const { exitCode, out, err } = await runMain();
    expect(exitCode).toBe(2);
    expect(out).toBe('');
    expect(err).toContain('Usage: lars');
    expect(err).toMatch(/\nlars: a command is missing\n$/);
  });

  test('the version is a result', async () => {
    expect(await runMain('--version')).toMatchObject({
      exitCode: 0,
      err: '',
      out: expect.stringMatching(/^\d+\.\d+\.\d+( \([0-9a-f]{7}\))?\n$/),
    });
    expect(await runMain('-V')).toEqual(await runMain('--version'));
    expect(JSON.parse((await runMain('--version', '--json')).out)).toMatchObject({ version: expect.any(String) });
  });
});

const BAD_ARGUMENTS: readonly (readonly [args: string, says: string])[] = [
  ['rote', "unknown command 'rote' (Did you mean route?)"],
  ['--jsn', '--jsn'],
  ['up extra', 'too many arguments'],
  ['up --conf-dir /no/such/folder', '--conf-dir /no/such/folder: there is no such folder'],
  ['gethost', 'missing required argument'],
  ['gethost 1', "module '1': expected MODID CMDID"],
  ['gethost 1 x', "module '1 x': expected MODID CMDID"],
  ['gethost 1 2 3', "'3' is one argument too many"],
  ['gethost 1 2147483648', '2147483648'],
  ['gethost -1/x', '-1/x'],
  ['gethost 1 1 --agent nowhere', "'nowhere' is no host"],
  ['getroute 1/2/3', "module '1/2/3'"],
  ['report 1 1', 'HOST:PORT is missing'],
  ['report 1 1 10.0.0.1:80', 'either --ok or --fail'],
  ['report 1 1 10.0.0.1:80 --ok --fail', 'either --ok or --fail'],
  ['report 1 1 10.0.0.1:80 x --ok', "'x' is one argument too many"],
  ['report 1 1 10.0.0.1:0 --ok', 'port 0'],
  ['report 1 1 10.0.0.1:80 --ok --tcost -1', '--tcost -1'],
  ['simulate 1 1', "required option '--calls <n>' not specified"],
  ['simulate 1 1 --calls 0', '--calls 0: expected an integer in 1..'],
  ['simulate 1 1 --calls 1000000000', '--calls 1000000000'],
  ['simulate 1 1 --calls 5 --fail x', '--fail x: expected HOST:PORT=RATE'],
  ['simulate 1 1 --calls 5 --concurrency 0', '--concurrency 0'],
  ['simulate 1 1 --calls 5 --rate 0', '--rate 0'],
  ['simulate 1 1 --calls 5 --seed -1', '--seed -1'],
  ['route', 'a command is missing'],
  ['route ad', "unknown command 'ad' (Did you mean add?)"],
  ['route list 1', "module '1'"],
  ['route add', 'missing required argument'],
  ['route add 1/1', 'missing required argument'],
  ['route add 1/1 nowhere', "'nowhere' is no host"],
  ['route add 1/1 10.0.0.1:80 --weight -1', '--weight -1'],
  ['route add 1/1 10.0.0.1:80 --weight 1000001', '--weight 1000001'],
  [
    'route add 1/1 10.0.0.1:80 --weight 0',
    '--weight 0: expected an integer in 1..1000000; for a host without calls, see lars route drain',
  ],
  ['route remove 1/1', 'route remove 1/1: either a host, or --all for the whole module'],
  ['route remove 1/1 10.0.0.1:80 --all', 'either a host, or --all'],
  ['route remove 1/1 10.0.0.1:80 10.0.0.2:80', 'too many arguments'],
];

describe('bad arguments', () => {
  test.each(BAD_ARGUMENTS)('lars %s: exit code 2, and standard error names the culprit', async (args, says) => {
    const { exitCode, out, err } = await runMain(...args.split(' '));
    expect(err).toContain(says);
    expect(err).toMatch(/(^|\n)lars: [^\n]+\n$/);
    expect(exitCode).toBe(2);
    expect(out).toBe('');
  });

  test.each(BAD_ARGUMENTS)('lars %s --json: standard output has one JSON document about it', async (args, says) => {
    const { exitCode, out, err } = await runMain('--json', ...args.split(' '));
    expect(exitCode).toBe(2);
    expect(err).toContain(says);
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'USAGE', message: expect.stringContaining(says) } });
  });
});
