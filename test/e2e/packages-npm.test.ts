/** The npm packages as strangers meet them: packed, installed in an empty folder, and run on each Node.js that they promise to run on. */
import { renameSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { projectVersion } from '../../scripts/release/workspace.ts';
import { hostInfo } from '../support/agent-messages.ts';
import { eventually } from '../support/eventually.ts';
import { type AgentWorld, CleanUps, startWorld } from './agent-world.ts';
import { LarsFolder } from './cli-process.ts';
import { CONSUMERS, STRICT_PROJECT } from './packages/consumers.ts';
import { fetchNode, hasRegistry, OLDER_NODES, packAll, StrangersFolder } from './packages/installed.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 300_000 });

const LOOPBACK = 0x7f00_0001;
const TSC = fileURLToPath(new URL('../../node_modules/.bin/tsc', import.meta.url));

const cleanUps = new CleanUps();
const packing = new StrangersFolder();
let tarballs: ReadonlyMap<string, string>;

function newFolder(): StrangersFolder {
  const folder = new StrangersFolder();
  cleanUps.add(() => folder.remove());
  return folder;
}

function tarballsOf(names: readonly string[]): string[] {
  return names.map(name => tarballs.get(name) ?? `no package ${name}`);
}

beforeAll(() => {
  cleanUps.add(() => packing.remove());
  tarballs = packAll(packing.path, projectVersion());
});

afterAll(() => cleanUps.run());

describe.runIf(hasRegistry())('packages from npm', () => {
  /** The program of each major version. */
  const nodes = new Map<number, string>([[26, process.execPath]]);

  describe('@lars/client-sdk', () => {
    let folder: StrangersFolder;
    let world: AgentWorld;

    beforeAll(async () => {
      folder = newFolder();
      folder.write({ ...CONSUMERS, ...STRICT_PROJECT, 'package.json': '{ "private": true }' });
      const sdk = tarballsOf(['@lars/proto', '@lars/client-sdk']);
      const [programs] = await Promise.all([
        Promise.all(OLDER_NODES.map(major => fetchNode(folder, major))),
        folder.install([...sdk, '@types/node@22']),
      ]);
      OLDER_NODES.forEach((major, at) => void nodes.set(major, programs[at] as string));
      world = await startWorld(cleanUps, 'ours');
      world.dns.setRoute(1, 2, [hostInfo(7_000, { ip: LOOPBACK })]);
    });

    test.each([...OLDER_NODES, 26])('calls a host on Node.js %i in every way to load it', async major => {
      const program = nodes.get(major) as string;
      const before = callsReported(world);
      const run = (consumer: string) => folder.run(program, [consumer, JSON.stringify(world.agent.udpPorts)]);
      expect((await folder.run(program, ['--version'])).out).toMatch(new RegExp(`^v${major}\\.`));
      const consumers = Object.keys(CONSUMERS);
      const ran = await Promise.all(consumers.map(run));
      expect(Object.fromEntries(consumers.map((name, at) => [name, ran[at]]))).toStrictEqual(
        Object.fromEntries(consumers.map(name => [name, { code: 0, out: '7000\n', err: '' }])),
      );
      await eventually('all calls are reported', () => callsReported(world) === before + consumers.length);
    });

    test('compiles in a strict project that checks the types of libraries', async () => {
      expect(await folder.run(process.execPath, [TSC, '-p', '.'])).toStrictEqual({ code: 0, out: '', err: '' });
    });
  });

  describe('lars', () => {
    let folder: StrangersFolder;
    const system = new LarsFolder();
    cleanUps.add(() => system.dispose());

    beforeAll(async () => {
      folder = newFolder();
      folder.write({ 'package.json': '{ "private": true }' });
      await folder.install([...tarballs.values()]);
    });

    const program = () => path.join(folder.path, 'node_modules/lars/bin/lars.js');
    const lars = (...args: string[]) => system.start(args, { program: program() });

    test('runs a system, and its other commands, without a HOME', async () => {
      expect(await folder.run('node_modules/.bin/lars', ['--version'], { PATH: process.env['PATH'] })).toStrictEqual({
        code: 0,
        out: `${projectVersion()}\n`,
        err: '',
      });
      system.writeStandardConf();
      const up = lars('up', '--json');
      const ready = await up.ready;
      expect(await lars('route', 'add', '1/1', '127.0.0.1:9001').ended).toMatchObject({ code: 0 });
      const agent = `--agent=${ready.agent.ip}:${ready.agent.udpPorts.join(',')}`;
      const host = await eventually('the agent has the route', async () => {
        const { code, out } = await lars('gethost', '1', '1', agent).ended;
        return code === 0 && out;
      });
      expect(host).toContain('127.0.0.1:9001');
      expect(await up.interrupt()).toMatchObject({ code: 0 });
    });

    test('says on an older Node.js what it needs', async () => {
      const { code, err } = await folder.run(nodes.get(24) as string, [program(), 'up']);
      expect(code).toBe(1);
      expect(err).toMatch(
        /^lars: needs Node.js 26 or newer, this is 24\..+; .* elsewhere install one, or the \.deb, which has its own\n$/,
      );
    });

    test('says what is missing without koffi, and where it is wanted', async () => {
      const koffi = path.join(folder.path, 'node_modules/koffi');
      renameSync(koffi, `${koffi}-away`);
      try {
        system.write('conf/agent.ini', '[udp]\nport = 0\n[http]\nport = 0\n');
        const agent = lars('agent', '--json');
        expect((await agent.ready).agent).toMatchObject({ transport: 'dgram' });
        expect((await agent.interrupt()).err).toContain('the optional package koffi is not installed');
        system.write('conf/agent.ini', '[udp]\nport = 0\ntransport = mmsg\n[http]\nport = 0\n');
        expect(await lars('agent').ended).toStrictEqual({
          code: 1,
          out: '',
          err: 'lars: conf key [udp] transport = mmsg cannot be: the optional package koffi is not installed\n',
        });
      } finally {
        renameSync(`${koffi}-away`, koffi);
      }
    });
  });
});

test('what is packed runs from its own files alone: no tests, no configuration of the build', async () => {
  const services = ['agent', 'dispatcher', 'dnsserver', 'proxy', 'reporter'];
  const libraries = ['client-sdk', 'dispatch', 'proto', 'reactor', 'runtime', 'syscalls'];
  const scoped = [...services, ...libraries].map(name => `@lars/${name}`).sort();
  expect([...tarballs.keys()].sort()).toStrictEqual([...scoped, 'lars']);
  for (const tarball of tarballs.values()) {
    const files = (await packing.run('tar', ['tzf', tarball])).out.trim().split('\n');
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json'].map(name => `package/${name}`)));
    expect(files.filter(file => /tsconfig|tsbuildinfo|test\.ts|node_modules|\/src\/.*README/.test(file))).toStrictEqual([]);
  }
});

function callsReported({ reporter }: AgentWorld): number {
  return Object.values(reporter.calls(1, 2)).reduce((sum, { succ }) => sum + succ, 0);
}
