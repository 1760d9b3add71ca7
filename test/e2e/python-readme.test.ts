/** What python/README.md shows, run as it stands there, with the wheel and against a real agent. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { hostInfo } from '../support/agent-messages.ts';
import { eventually } from '../support/eventually.ts';
import { hasPrograms } from '../support/needed-programs.ts';
import { CleanUps, startWorld } from './agent-world.ts';

vi.setConfig({ testTimeout: 60_000 });

const FOLDER = fileURLToPath(new URL('../../python/', import.meta.url));
const LOOPBACK = 0x7f00_0001;

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

async function python(args: readonly string[], env: NodeJS.ProcessEnv, cwd: string): Promise<string> {
  const child = spawn('python3', args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  if (code !== 0) throw new Error(`exit code ${code}: ${stderr}`);
  return stdout;
}

/** A service that all blocks call, and counts its calls. */
async function startService(): Promise<{ readonly port: number; calls: number }> {
  const counter = { port: 0, calls: 0 };
  const server = createServer((_, response) => {
    counter.calls += 1;
    response.end('user 7');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  cleanUps.add(() => server.close());
  counter.port = (server.address() as AddressInfo).port;
  return counter;
}

describe.runIf(hasPrograms('python3', ['python3']))('python/README.md', () => {
  test('its blocks work, one after the other, and the agent hears of the calls', async () => {
    const world = await startWorld(cleanUps, 'ours');
    const service = await startService();
    world.dns.setRoute(1, 2, [hostInfo(service.port, { ip: LOOPBACK })]);
    const folder = mkdtempSync(join(tmpdir(), 'lars-python-'));
    cleanUps.add(() => rmSync(folder, { recursive: true }));
    const wheel = (await python([join(FOLDER, 'build.py'), folder], { PYTHONDONTWRITEBYTECODE: '1' }, folder)).trim();
    const readme = readFileSync(join(FOLDER, 'README.md'), 'utf8');
    const blocks = [...readme.matchAll(/^```python\n(.*?)^```/gms)].map(([, block]) => block);
    expect(blocks).toHaveLength(4);
    // The agent of the test has ports that the system picked, and a slow machine more time.
    const options = `ports=${JSON.stringify(world.agent.udpPorts)}, timeout_ms=20_000`;
    const program = blocks
      .join('\n')
      .replaceAll('Client()', `Client(${options})`)
      .replaceAll('timeout=1)', 'timeout=20)')
      .replaceAll('timeout_ms=1000', 'timeout_ms=20_000');
    expect(program.split(options)).toHaveLength(3);
    const printed = await python(['-c', `${program}\nprint(user)\nlars.close()`], { PYTHONPATH: wheel }, folder);
    expect(printed.trim().split('\n')).toEqual(["b'HTTP/1.1 200 OK\\r\\n'", "b'user 7'"]);
    expect(service.calls).toBe(3);
    await eventually('all three are told', () => Object.values(world.reporter.calls(1, 2))[0]?.succ === 3);
  });
});
