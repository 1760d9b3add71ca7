/** Services that may use too little to start say so in one line. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LarsFolder } from './cli-process.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const LARS = fileURLToPath(new URL('../../cli/bin/lars.js', import.meta.url));

let folder: LarsFolder;
beforeEach(() => {
  folder = new LarsFolder();
  folder.writeStandardConf();
});
afterEach(() => folder.dispose());

/** The command under a limit of the shell, in whose place it runs. */
function startLimited(ulimit: string, command: string) {
  const program = path.join(folder.path, 'limited.mjs');
  const shell = `ulimit ${ulimit}; exec "$0" "${LARS}" ${command} --json`;
  folder.write(
    'limited.mjs',
    `process.execve('/bin/sh', ['sh', '-c', ${JSON.stringify(shell)}, process.execPath], process.env);`,
  );
  return folder.start([], { program });
}

// Elsewhere the limits cannot be read.
describe.runIf(existsSync('/proc/self/limits'))('one line names the limit and what is needed', () => {
  test.each(['agent', 'dnsserver', 'reporter', 'up'])('too few open files: %s', async command => {
    const { code, out, err } = await startLimited('-n 40', command).ended;
    const service = command === 'up' ? 'dnsserver' : command;
    expect(err).toBe(
      `lars: ${service} needs at least 128 open files and one more for each connection, the limit is 40 (ulimit -n; LimitNOFILE of systemd)\n`,
    );
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'LIMIT' } });
    expect(code).toBe(1);
  });

  test.each(['agent', 'up'])('too little address space: %s', async command => {
    const { code, err } = await startLimited('-v 3000000', command).ended;
    expect(err).toMatch(
      /^lars: agent needs at least \d+ kB of address space, the limit is 3000000 \(ulimit -v; LimitAS of systemd\)\n$/,
    );
    expect(code).toBe(1);
  });

  test('as much as is needed is enough', async () => {
    const running = startLimited('-n 128', 'up');
    await running.ready;
    expect(await running.interrupt()).toMatchObject({ code: 0 });
  });

  test('worker threads of dnsserver beyond the limit', async () => {
    folder.write('conf/dnsserver.ini', '[tcp]\nport = 0\nworkers = 31\n[http]\nport = 0\n');
    const { code, err } = await startLimited('-n 128', 'dnsserver').ended;
    expect(err).toMatch(/^lars: [^\n]*too many open files: the limit is 128 \(ulimit -n; LimitNOFILE of systemd\)\n$/);
    expect(code).toBe(1);
  });
});
