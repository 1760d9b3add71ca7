import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runMain } from '../../support/memory-terminal.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lars-check-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, ...lines: readonly string[]): string {
  const file = path.join(folder, name);
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}
const check = (...args: readonly string[]) => runMain('check', '--conf-dir', folder, ...args);

describe('lars check', () => {
  test('finds each mistake of each file, with file and line, and a start would find the first of them', async () => {
    const agent = write('agent.ini', '[udp]', 'prot = 1', 'port = x', '[htpp]', 'port = 1', 'nonsense', '[log]', 'level = info');
    const reporter = write('reporter.ini', 'port = 1', '[tcp]', 'port = 7779', 'port = 7780');
    write('dnsserver.ini', '[tcp]', 'port = 7778');
    const { exitCode, out } = await check();
    expect(exitCode).toBe(1);
    expect(out.split('\n')).toEqual([
      `${agent}:2: [udp] prot: unknown key, did you mean port?`,
      expect.stringContaining(`${agent}:3: [udp] port = x: expected`),
      `${agent}:4: unknown section [htpp], did you mean [http]?`,
      `${agent}:6: expected [section], key = value or a comment, found 'nonsense'`,
      `${path.join(folder, 'dnsserver.ini')}: ok, a conf file of the dnsserver`,
      `${reporter}:1: 'port' stands before any [section]`,
      `${reporter}:4: [tcp] port is given twice, first on line 3`,
      '3 files, 6 errors, 0 warnings',
      '',
    ]);
    expect((await runMain('status', '--conf-dir', folder)).err).toContain(`${reporter}:1: 'port' stands before`);
  });

  test('reads the listeners of a proxy, as its start would', async () => {
    const proxy = write('proxy.ini', '[listen a]', 'address = 127.0.0.1:80');
    expect((await check()).out).toContain(`${proxy}: [listen a] has neither module nor server_names`);
    write('proxy.ini', '[listen a]', 'address = 127.0.0.1:80', 'module = 1/1', '[http]', 'ip = 0.0.0.0');
    const { exitCode, out } = await check();
    expect([exitCode, out]).toStrictEqual([0, expect.stringContaining('other machines reach [http] ip = 0.0.0.0')]);
  });

  test('warns of a proxy without listeners, one that anybody may tell who he is, and one that asks another agent', async () => {
    const proxy = write('proxy.ini', '[http]', 'port = 7782');
    write('agent.ini', '[udp]', 'port = 9000');
    const first = await check();
    expect([first.exitCode, first.out.split('\n').filter(line => line.startsWith('warning'))]).toStrictEqual([
      0,
      [
        `warning: ${proxy}: [http] port = 7782 is that of [http] of agent.ini as well: one of them will not start`,
        `warning: ${proxy}: [agent] ports = 8888, but agent.ini has [udp] port = 9000`,
      ],
    ]);
    // One in a folder asks for no proxy. Who names it is about to start one.
    expect((await check(proxy)).out).toContain(`warning: ${proxy}: there is no [listen NAME]: it starts with --listen alone`);
    const listen = (address: string) => ['[listen a]', `address = ${address}`, 'module = 1/1', 'accept_proxy = always'];
    write('proxy.ini', ...listen('0.0.0.0:80'));
    expect((await check('--service', 'proxy', proxy)).out).toContain(
      '[listen a] accept_proxy = always: whoever reaches 0.0.0.0:80 may say',
    );
    for (const address of ['127.0.0.1:80', '[::1]:80', 'unix:/run/a']) {
      write('proxy.ini', ...listen(address));
      expect((await check('--service', 'proxy', proxy)).out).toContain('1 file, 0 errors, 0 warnings');
    }
  });

  test('names values that contradict each other, as a start would', async () => {
    const agent = write('agent.ini', '[loadbalance]', 'probe_backoff_min = 9', 'probe_backoff_max = 2');
    expect(await check()).toMatchObject({
      exitCode: 1,
      out: expect.stringContaining(`${agent}: [loadbalance] probe_backoff_min = 9 is greater than`),
    });
    write('agent.ini', '[agent]', 'reconnect_min = 9', 'reconnect_max = 2');
    expect((await check()).out).toContain('[agent] reconnect_min = ');
  });

  test('warns of what may be a mistake; that is no error', async () => {
    const agent = write('agent.ini', '[udp]', 'ip = 0.0.0.0', '[http]', 'port = 7780', '[dnsserver]', 'port = 7000');
    write('dnsserver.ini', '[tcp]', 'port = 7778');
    const { exitCode, out } = await check();
    expect(exitCode).toBe(0);
    expect(out).toContain(`warning: ${agent}: other machines reach [udp] ip = 0.0.0.0`);
    expect(out).toContain(`warning: ${agent}: [http] port = 7780 is that of [http] of dnsserver.ini as well`);
    expect(out).toContain(`warning: ${agent}: [dnsserver] names 127.0.0.1:7000, but dnsserver.ini has [tcp] port = 7778`);
    expect(out).toMatch(/\n2 files, 0 errors, 3 warnings\n$/);
    const document = JSON.parse((await check('--json')).out);
    expect(document).toMatchObject({
      ok: true,
      files: [{ file: agent, service: 'agent', errors: [] }, { service: 'dnsserver' }],
    });
  });

  test('reads the files of [security], as a start would', async () => {
    const token = path.join(folder, 'token');
    const agent = write('agent.ini', '[security]', `token_file = ${token}`);
    expect(await check()).toMatchObject({ exitCode: 1, out: expect.stringContaining(`${agent}: [security] token_file: `) });
    writeFileSync(token, `${'0123456789abcdef'.repeat(4)}\n`, { mode: 0o600 });
    expect(await check()).toMatchObject({ exitCode: 0 });
  });

  test('takes files of any place; whose they are, their names or --service tell', async () => {
    const [odd, named] = [write('test.conf', '[udp]', 'port = 1'), write('my-dnsserver.conf', '[tcp]', 'port = 1')];
    expect(await check(named)).toMatchObject({ exitCode: 0, out: expect.stringContaining('a conf file of the dnsserver') });
    expect(await check(odd)).toMatchObject({ exitCode: 2, err: expect.stringContaining('name the service with --service') });
    expect(await check(odd, '--service', 'agent')).toMatchObject({ exitCode: 0 });
    const missing = path.join(folder, 'agent.ini');
    expect(await check(missing)).toMatchObject({ exitCode: 1, out: expect.stringContaining(`${missing}: cannot be read: `) });
  });

  test('a folder without conf files is an error, because somebody meant another one', async () => {
    expect(await check()).toMatchObject({ exitCode: 1, err: expect.stringContaining('has none of agent.ini') });
  });

  test('of a file full of mistakes the first hundred are told', async () => {
    write('agent.ini', '[udp]', ...Array.from({ length: 300 }, (_, i) => `key${i} = 1`));
    expect((await check()).out).toContain('1 file, 100 errors');
  });
});
