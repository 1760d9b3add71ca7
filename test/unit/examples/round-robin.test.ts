import { expect, test } from 'vitest';
import { RoundRobin } from '../../../examples/demo/round-robin.ts';

const HOSTS = ['127.0.0.1:4001', '127.0.0.1:4002', '127.0.0.1:4003'];

test('the servers are called in turn, whatever becomes of the calls', async () => {
  const client = new RoundRobin(1, 2, HOSTS);
  const called: string[] = [];
  for (let i = 0; i < 7; i++) {
    const call = client.call(1, 2, host => {
      called.push(host.authority);
      if (i % 2 === 0) throw new Error('down');
      return i;
    });
    if (i % 2 === 0) await expect(call).rejects.toThrow('down');
    else expect(await call).toBe(i);
  }
  expect(called).toEqual([...HOSTS, ...HOSTS, HOSTS[0]]);
});

test('a call hears that its caller gives up, and that its time is over', async () => {
  const client = new RoundRobin(1, 2, HOSTS);
  const untilAborted = (signal: AbortSignal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  const { signal } = { signal: AbortSignal.abort(new Error('enough')) };
  await expect(client.call(1, 2, async (_host, given) => given.throwIfAborted(), { signal })).rejects.toThrow('enough');
  await expect(client.call(1, 2, (_host, given) => untilAborted(given), { timeoutMs: 1 })).rejects.toMatchObject({
    name: 'TimeoutError',
  });
});
