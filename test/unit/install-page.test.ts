/** docs/install.md: its commands are copied by people, so a shell reads each, and what is ours is run or parsed. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { agentConfigTable } from '@lars/agent';
import { dnsserverConfigTable } from '@lars/dnsserver';
import { reporterConfigTable } from '@lars/reporter';
import { readConfigFile } from '@lars/runtime/config/config';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildProgram } from '../../cli/src/program.ts';
import { Shell } from '../../cli/src/shell.ts';
import { httpIn } from '../../cli/src/system/dispatch-options.ts';
import { debConf } from '../../scripts/release/deb-conf.ts';
import { debVersion } from '../../scripts/release/deb-control.ts';
import { publishedName } from '../../scripts/release/names.ts';
import { systemdUnits } from '../../scripts/release/systemd-units.ts';
import { projectVersion, ROOT, readWorkspaces } from '../../scripts/release/workspace.ts';
import { memoryTerminal } from '../support/memory-terminal.ts';

const page = readFileSync(path.join(ROOT, 'docs/install.md'), 'utf8');
const blocks = [...page.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block]) => block as string);

/** Programs that change a system: each is written down with its words. What only edits text is run. */
const WRITTEN_DOWN = ['lars', 'apt-get', 'systemctl', 'sysctl', 'nft', 'tee', 'npm', 'npx', 'docker', 'sqlite3', 'rm', 'cp'];

const folder = mkdtempSync(path.join(tmpdir(), 'lars-install-'));
const etc = path.join(folder, 'etc/lars');
let commands: readonly (readonly string[])[];

beforeAll(() => {
  mkdirSync(etc, { recursive: true });
  for (const name of ['agent', 'dnsserver', 'reporter']) {
    const sample = readFileSync(path.join(ROOT, `conf/${name}.ini`), 'utf8');
    writeFileSync(path.join(etc, `${name}.ini`), debConf(sample));
  }
  const prologue = [
    'set -eu',
    'sudo() { if [ "$1" = -u ]; then shift 2; fi; "$@"; }',
    ...WRITTEN_DOWN.map(name => `${name}() { printf '%s\\0' ${name} "$@" >> "$written"; printf '\\n' >> "$written"; }`),
  ];
  const written = path.join(folder, 'written');
  const script = [...prologue, ...blocks].join('\n').replaceAll('/etc/lars', etc);
  execFileSync('bash', ['-c', script], { cwd: folder, env: { PATH: process.env['PATH'], written }, stdio: 'pipe' });
  const lines = readFileSync(written, 'utf8').split('\0\n').slice(0, -1);
  commands = lines.map(line => line.split('\0'));
});

afterAll(() => rmSync(folder, { recursive: true }));

const commandsOf = (program: string) => commands.filter(([name]) => name === program).map(([, ...words]) => words);

test('its edits of the conf make three machines of it', () => {
  const conf = (name: string) => path.join(etc, `${name}.ini`);
  const servers = [
    readConfigFile(dnsserverConfigTable, conf('dnsserver')),
    readConfigFile(reporterConfigTable, conf('reporter')),
  ];
  expect(servers.map(({ config }) => [config.tcp.ip, config.http.ip])).toStrictEqual([
    ['10.0.0.1', '127.0.0.1'],
    ['10.0.0.1', '127.0.0.1'],
  ]);
  const { config } = readConfigFile(agentConfigTable, conf('agent'));
  expect([config.udp.ip, config.dnsserver.ip, config.reporter.ip, config.http.ip]).toStrictEqual([
    '127.0.0.1',
    '10.0.0.1',
    '10.0.0.1',
    '127.0.0.1',
  ]);
});

describe('its commands', () => {
  test('of lars are commands of lars, with options that these have', async () => {
    const ours = [...commandsOf('lars'), ...commandsOf('npx').map(([, ...words]) => words)];
    expect(ours.length).toBeGreaterThan(10);
    for (const words of ours.filter(([first]) => first !== '--version')) {
      const ran: string[] = [];
      const program = buildProgram(new Shell(memoryTerminal().terminal, false, 'lars'));
      for (const command of leavesOf(program)) command.action(() => void ran.push(command.name()));
      await program.parseAsync(words, { from: 'user' });
      expect(ran, words.join(' ')).toHaveLength(1);
    }
  });

  test('of systemctl name units that there are', () => {
    const named = commandsOf('systemctl').flatMap(words => words.filter(word => word.startsWith('lars')));
    expect(new Set(named.map(unit => `${unit.replace(/@.*/, '@')}.service`))).toStrictEqual(new Set(systemdUnits().keys()));
  });

  test('of a dispatcher are options of lars dispatch, and lars status finds its port', async () => {
    const options = /^OPTIONS=(.*)$/m.exec(page)?.[1] ?? '';
    const program = buildProgram(new Shell(memoryTerminal().terminal, false, 'lars'));
    const dispatch = program.commands.find(command => command.name() === 'dispatch') as Command;
    dispatch.action(() => undefined);
    await program.parseAsync(['dispatch', ...options.split(' ')], { from: 'user' });
    expect(dispatch.args).toStrictEqual(['node', '/srv/web/server.js']);
    expect(httpIn(page)).toStrictEqual({ ip: '127.0.0.1', port: 7790 });
  });

  test('install files and packages of this version', () => {
    const debs = commandsOf('apt-get').flatMap(words => words.filter(word => word.endsWith('.deb')));
    expect(new Set(debs)).toStrictEqual(new Set([`./lars_${debVersion(projectVersion())}_amd64.deb`]));
    const published = readWorkspaces().map(({ manifest }) => publishedName(manifest.name));
    for (const [, name] of commandsOf('npm')) expect(published).toContain(name);
    expect(page).toContain(`lars_client-${projectVersion()}-py3-none-any.whl`);
  });
});

function leavesOf(command: Command): readonly Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);
}
