import { expect, test } from 'vitest';
import { loadLibc } from '../../../../runtime/src/udp/libc.ts';

const isMadeFor = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);

test.each([
  ['darwin', 'arm64'],
  ['win32', 'x64'],
  ['linux', 'ia32'],
  ['linux', 's390x'],
])('says why not on %s with %s', async (platform, arch) => {
  expect(await loadLibc(platform, arch)).toEqual({
    unavailable: `it is made for Linux on x64 and arm64, and this is ${platform} on ${arch}`,
  });
});

test('loads where it is made for; elsewhere, and where koffi was left out by choice, it says why not', async () => {
  const outcome = await loadLibc();
  // A machine that builds and judges the project must have it, or what needs it would go untested.
  if (isMadeFor && process.env['CI'] !== undefined) expect(outcome).toHaveProperty('libc');
  else expect('libc' in outcome || outcome.unavailable.length > 0).toBe(true);
});
