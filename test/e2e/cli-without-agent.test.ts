/** Commands that ask an agent, where there is none. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LarsFolder } from './cli-process.ts';

vi.setConfig({ testTimeout: 60_000 });

let folder: LarsFolder;
beforeEach(() => {
  folder = new LarsFolder();
});
afterEach(() => folder.dispose());

describe('without an agent', () => {
  test.each([
    [['gethost', '1', '1']],
    [['getroute', '1', '1']],
    [['report', '1', '1', '10.0.0.1:80', '--ok']],
    [['simulate', '1', '1', '--calls', '5']],
  ])('lars %s fails with one line that names where it looked', async command => {
    const { code, out, err } = await folder.run([...command, '--agent', '127.0.0.1:1,1,1']);
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(err).toMatch(/^lars: module 1\/1: agent 127\.0\.0\.1:1 cannot be reached \([^\n]+\n$/);
  });

  test('a conf file with picked ports cannot tell where the agent is, and says so', async () => {
    folder.writeStandardConf();
    const { code, err } = await folder.run(['gethost', '1', '1']);
    expect(code).toBe(2);
    expect(err).toBe("lars: conf/agent.ini: [udp] port = 0 does not tell the agent's ports; give --agent HOST:PORT,PORT,PORT\n");
  });
});
