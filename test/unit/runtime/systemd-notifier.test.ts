import { SystemdNotifier, systemdOptions } from '@lars/runtime/systemd-notifier';
import { expect, test } from 'vitest';
import { recordingLog } from '../../support/recording-log.ts';

const SOCKET = '/run/systemd/notify';

test.each([
  ['nothing', {}, undefined],
  ['a path', { NOTIFY_SOCKET: SOCKET }, { socket: SOCKET, watchdogMs: undefined }],
  ['an abstract name', { NOTIFY_SOCKET: '@a' }, { socket: '@a', watchdogMs: undefined }],
  ['a kind of socket that is to come', { NOTIFY_SOCKET: 'vsock:2:1234' }, undefined],
  ['a path that no address takes', { NOTIFY_SOCKET: `/${'a'.repeat(107)}` }, undefined],
  ['a watchdog', { NOTIFY_SOCKET: SOCKET, WATCHDOG_USEC: '30000000' }, { socket: SOCKET, watchdogMs: 30_000 }],
  [
    'a watchdog of this process',
    { NOTIFY_SOCKET: SOCKET, WATCHDOG_USEC: '1000', WATCHDOG_PID: '7' },
    { socket: SOCKET, watchdogMs: 1 },
  ],
  [
    'a watchdog of another process',
    { NOTIFY_SOCKET: SOCKET, WATCHDOG_USEC: '1000', WATCHDOG_PID: '8' },
    { socket: SOCKET, watchdogMs: undefined },
  ],
  ['no number', { NOTIFY_SOCKET: SOCKET, WATCHDOG_USEC: 'soon' }, { socket: SOCKET, watchdogMs: undefined }],
])('systemd asks for %s', (_, env, options) => {
  expect(systemdOptions(env, 7)).toStrictEqual(options);
});

test('without the C library it says what the unit must be', async () => {
  const { log, records } = recordingLog();
  const load = async () => ({ unavailable: 'the optional package koffi is not installed' });
  expect(await SystemdNotifier.open({ NOTIFY_SOCKET: SOCKET }, log, load)).toBeUndefined();
  expect(records).toMatchObject([
    { event: expect.stringContaining('Type=exec'), fields: { error: 'the optional package koffi is not installed' } },
  ]);
});

test('a socket that is gone is one line in the log, and no error', async () => {
  const { log, records } = recordingLog();
  const notifier = await SystemdNotifier.open({ NOTIFY_SOCKET: '/nowhere/notify' }, log);
  notifier?.ready();
  notifier?.ready();
  if (process.platform === 'linux') expect(records).toMatchObject([{ fields: { error: 'sendto ENOENT' } }]);
});
