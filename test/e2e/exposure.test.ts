/** A service that other machines reach says so. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LarsFolder } from './cli-process.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let folder: LarsFolder;
beforeEach(() => {
  folder = new LarsFolder();
  folder.writeStandardConf();
});
afterEach(() => folder.dispose());

const SERVICES = [
  ['agent', 'udp'],
  ['dnsserver', 'tcp'],
  ['reporter', 'tcp'],
] as const;

async function details(httpPort: number): Promise<Readonly<Record<string, unknown>>> {
  return ((await (await fetch(`http://127.0.0.1:${httpPort}/healthz`)).json()) as { details: Record<string, unknown> }).details;
}

describe.each(SERVICES)('%s', (name, section) => {
  test.each([name, 'up'])('where another address is named (lars %s)', async command => {
    folder.write(`conf/${name}.ini`, `[${section}]\nip = 0.0.0.0\nport = 0\n[http]\nport = 0\n`);
    const running = folder.start([command, '--json']);
    const { httpPort } = (await running.ready)[name];
    await running.logged(`other machines reach [${section}] ip = 0.0.0.0`);
    expect((await details(httpPort))['exposed']).toBe(`[${section}] ip = 0.0.0.0`);
    const { code, err } = await running.interrupt();
    expect(code, err).toBe(0);
    expect(err.match(/other machines reach/g)).toHaveLength(1);
  });

  test('by default', async () => {
    const running = folder.start([name, '--json']);
    const { httpPort } = (await running.ready)[name];
    expect(await details(httpPort)).not.toHaveProperty('exposed');
    const { code, err } = await running.interrupt();
    expect(code, err).toBe(0);
    expect(err).not.toContain('other machines reach');
  });
});
