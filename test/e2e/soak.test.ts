/** The soak as a process, with few faults: it keeps count, and it tells when something is wrong. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import Database from 'better-sqlite3';
import { afterEach, expect, test, vi } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { CleanUps } from './agent-world.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 60_000 });

const SCRIPT = path.join(import.meta.dirname, '../../scripts/soak.ts');
const PATIENCE_MS = 120_000;

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

class Soak {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'lars-soak-test-'));
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  said = '';

  constructor(minutes: number, kinds: string) {
    const args = ['--seed', '7', '--minutes', String(minutes), '--only', kinds, '--folder', this.folder];
    this.child = spawn(process.execPath, [SCRIPT, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.said += text;
      });
    }
    const ended = once(this.child, 'close');
    cleanUps.add(async () => {
      this.child.kill('SIGTERM');
      await ended;
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  async saidThat(text: string): Promise<void> {
    await eventually(`the soak says: ${text}`, () => this.said.includes(text), PATIENCE_MS);
  }

  async ended(): Promise<number | null> {
    await eventually('the soak ends', () => this.child.exitCode !== null, PATIENCE_MS);
    return this.child.exitCode;
  }
}

test('a system that keeps its promises: exit code 0, and a row for each fault', async () => {
  const soak = new Soak(0.3, 'kill-dnsserver-1,restart-reporter-1');
  expect(await soak.ended(), soak.said).toBe(0);
  expect(soak.said).toContain('No promise was broken.');
  for (const kind of ['kill-dnsserver-1', 'restart-reporter-1'])
    expect(soak.said).toMatch(new RegExp(`\\| ${kind} \\| .* \\| 0 \\| 0 \\|`));
  const calls = Number(/\| \*\*all\*\* \| \| \d+ \| ([\d,]+) \|/.exec(soak.said)?.[1]?.replaceAll(',', ''));
  expect(calls).toBeGreaterThan(500);
});

test('rows that vanish from a database behind its back: exit code 1, the fault and the seed', async () => {
  const soak = new Soak(0.1, 'hangup');
  // The second fault is thrown when the results of the first round stand in a database.
  await soak.saidThat('round 2:');
  const database = new Database(path.join(soak.folder, 'calls-1.db'), { timeout: 10_000 });
  const { changes } = database.prepare('DELETE FROM CallHistory WHERE cmdid = 1 AND modid = 1').run();
  database.close();
  expect(changes).toBeGreaterThan(0);
  expect(await soak.ended(), soak.said).toBe(1);
  expect(soak.said).toMatch(/broken with seed 7: hangup \(round 1\): \d+ results lost, at most 0/);
  expect(soak.said).not.toMatch(/broken .* \(round 2\)/);
});

test('a service that ends by itself is named', async () => {
  const soak = new Soak(0.1, 'hangup');
  await soak.saidThat('round 1:');
  const [reporter] = await eventually('the reporter runs', () => {
    const found = processesIn(soak.folder).filter(({ command }) => command.includes('reporter-2.ini'));
    return found.length > 0 && found;
  });
  process.kill(reporter?.pid as number, 'SIGKILL');
  expect(await soak.ended(), soak.said).toBe(1);
  expect(soak.said).toContain('reporter-2 ended by itself (SIGKILL)');
});

test('an interrupted soak leaves no process behind', async () => {
  const soak = new Soak(1, 'hangup');
  await soak.saidThat('round 1:');
  const started = processesIn(soak.folder).map(({ pid }) => pid);
  expect(started.length).toBeGreaterThanOrEqual(5);
  soak.child.kill('SIGTERM');
  await soak.ended();
  await eventually('all are gone', () => started.every(pid => !existsSync(`/proc/${pid}`)));
});

test('a wrong flag is one line', async () => {
  const child = spawn(process.execPath, [SCRIPT, '--only', 'earthquake'], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const [code] = await once(child, 'close');
  expect(code).toBe(1);
  expect(said).toMatch(/^--only: 'earthquake' is none of .*\n$/);
});

/** The services that work in this folder. */
function processesIn(folder: string): readonly { readonly pid: number; readonly command: string }[] {
  return readdirSync('/proc').flatMap(name => {
    if (!/^\d+$/.test(name)) return [];
    try {
      if (readlinkSync(`/proc/${name}/cwd`) !== folder) return [];
      return [{ pid: Number(name), command: readFileSync(`/proc/${name}/cmdline`, 'utf8') }];
    } catch {
      return [];
    }
  });
}
