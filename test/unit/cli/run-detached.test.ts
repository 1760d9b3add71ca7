import { expect, test } from 'vitest';
import { detachedEnv, detachedWords, exitCodeUnready } from '../../../cli/src/system/run-detached.ts';

test.each([
  [
    ['lars.js', 'proxy', '--takeover', '--detach', '--conf', 'a'],
    ['lars.js', 'proxy', '--takeover', '--conf', 'a'],
  ],
  [
    ['lars.js', 'dispatch', '--detach', '--', 'node', '--detach'],
    ['lars.js', 'dispatch', '--', 'node', '--detach'],
  ],
  [
    ['lars.js', 'dispatch', '--', 'node', '--detach'],
    ['lars.js', 'dispatch', '--', 'node', '--detach'],
  ],
])('the other process gets all words but --detach: %j', (words, others) => {
  expect(detachedWords(words)).toEqual(others);
});

test('what systemd says of one process alone is not passed on', () => {
  const env = { NOTIFY_SOCKET: '/run/n', WATCHDOG_PID: '7', WATCHDOG_USEC: '1', LISTEN_PID: '7', RUNTIME_DIRECTORY: '/run/a' };
  expect(detachedEnv(env)).toEqual({ NOTIFY_SOCKET: '/run/n', RUNTIME_DIRECTORY: '/run/a' });
});

test('one that ends before it is ready has failed, also where a signal has ended it in order', () => {
  expect([0, 1, 2, null].map(exitCodeUnready)).toEqual([1, 1, 2, 1]);
});
