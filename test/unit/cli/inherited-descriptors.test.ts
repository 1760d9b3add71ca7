import { expect, test } from 'vitest';
import { takeInheritedDescriptors } from '../../../cli/src/system/inherited-descriptors.ts';

test.each([
  ['two', { LISTEN_FDS: '2', LISTEN_PID: '7', LISTEN_FDNAMES: 'a:b' }, [3, 4]],
  ['none without the variables', {}, []],
  ["none that are another process's", { LISTEN_FDS: '2', LISTEN_PID: '8' }, []],
  ['none where the count is no number', { LISTEN_FDS: 'x', LISTEN_PID: '7' }, []],
  ['none where the count cannot be', { LISTEN_FDS: '1e9', LISTEN_PID: '7' }, []],
])('systemd passes %s, and the variables are for nobody else', (_, variables, fds) => {
  const env: Record<string, string | undefined> = { ...variables, HOME: '/' };
  expect(takeInheritedDescriptors(env, 7)).toEqual(fds);
  expect(env).toEqual({ HOME: '/' });
});
