import { spawnSync } from 'node:child_process';
import { afterEach, describe, expect, test } from 'vitest';
import { LarsFolder } from './cli-process.ts';
import { PseudoTerminal } from './pseudo-terminal.ts';

const folder = new LarsFolder();
afterEach(() => folder.dispose());

const hasScript = spawnSync('script', ['--version']).status === 0;
const ENTER_SCREEN = '\u001b[?1049h';
const LEAVE_SCREEN = '\u001b[?25h\u001b[?1049l';

async function system(): Promise<string> {
  folder.writeStandardConf();
  const running = folder.start(['up', '--json']);
  const { agent } = await running.ready;
  await folder.run(['route', 'add', '1/1', '127.0.0.1:9001', '127.0.0.1:9002']);
  const agentOption = `--agent=${agent.ip}:${agent.udpPorts.join(',')}`;
  await expect.poll(async () => (await folder.run(['gethost', '1', '1', agentOption])).code, { timeout: 20_000 }).toBe(0);
  return `127.0.0.1:${agent.httpPort}`;
}

test('where the output is no terminal lars top prints once, as text or as JSON', async () => {
  const http = await system();
  const { code, out } = await folder.run(['top', '--http', http]);
  expect(code).toBe(0);
  expect(out).toMatch(/^lars top {2}agent 127\.0\.0\.1:\d+ {2}ok {2}up .*\n1 module .*\n\nmodule +state .*\n1\/1 +healthy +2 /);
  expect(out).not.toContain('\u001b');
  expect(JSON.parse((await folder.run(['top', '--json', '--http', http])).out)).toMatchObject({
    health: { service: 'agent' },
    active: 1,
    modules: [{ modid: 1, cmdid: 1, hosts: 2 }],
  });
  expect(await folder.run(['top', '--http', '127.0.0.1:1'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('does not answer'),
  });
}, 60_000);

// In a container without util-linux there is no pseudo terminal to be had; CI has it, and must not pass without.
describe.runIf(hasScript || process.env['CI'] !== undefined)('in a pseudo terminal', () => {
  const start = (http: string, size: { readonly columns: number; readonly rows: number }) =>
    new PseudoTerminal(folder.path, ['top', '--interval', '0.5', '--http', http], size);

  test('lars top fills the screen, opens a module, goes back, follows a new size, and leaves the terminal as it was', async () => {
    const http = await system();
    await using terminal = start(http, { columns: 80, rows: 24 });
    await terminal.until('the module is listed', () => terminal.screen().some(line => /^1\/1 +healthy/.test(line)));
    expect(terminal.output.startsWith(ENTER_SCREEN)).toBe(true);
    expect(terminal.screen()).toHaveLength(24);
    expect(Math.max(...terminal.screen().map(line => line.length))).toBeLessThanOrEqual(80);
    terminal.type('\r');
    await terminal.until('it is open', () => terminal.screen().some(line => line.startsWith('127.0.0.1:9001  healthy')));
    expect(terminal.screen()).toContain('Module 1/1');
    terminal.type('\u001b');
    await terminal.until('all modules again', () => !terminal.screen().includes('Module 1/1'));
    terminal.resize({ columns: 60, rows: 12 });
    await terminal.until('the new size', () => terminal.screen().length === 12);
    expect(Math.max(...terminal.screen().map(line => line.length))).toBeLessThanOrEqual(60);
    terminal.type('q');
    expect(await terminal.ended).toBe(0);
    expect(terminal.output.trimEnd().endsWith(LEAVE_SCREEN)).toBe(true);
  }, 90_000);

  test.each([
    ['Ctrl-C', (terminal: PseudoTerminal) => terminal.type('\u0003')],
    ['SIGTERM', (terminal: PseudoTerminal) => terminal.signal('SIGTERM')],
  ])(
    '%s ends it, and the terminal is as it was',
    async (_, end) => {
      const http = await system();
      await using terminal = start(http, { columns: 100, rows: 30 });
      await terminal.until('the first picture', () => terminal.screen().length === 30);
      end(terminal);
      await terminal.ended;
      expect(terminal.output.trimEnd().endsWith(LEAVE_SCREEN)).toBe(true);
      expect(terminal.modesAfter).toBe(terminal.modesBefore);
    },
    90_000,
  );
});
