import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

/** A V8 that has no such flag says so on stderr, and goes on: nobody would notice. */
test.each(['compiled-code', 'inlining'])('the flags of %s are flags of this V8', module => {
  const program = `for (const set of Object.values(await import('@lars/runtime/${module}'))) set();`;
  const { status, stderr } = spawnSync(process.execPath, ['--conditions=source', '--input-type=module', '--eval', program], {
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
