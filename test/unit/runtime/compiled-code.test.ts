import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { keepingFlags } from '../../../runtime/src/compiled-code.ts';

/** A V8 that has no such flag says so on stderr, and goes on: nobody would notice. */
test.each([
  ["import { keepCompiledCode } from '@lars/runtime/compiled-code'; keepCompiledCode(0);"],
  ["import { keepCompiledCode } from '@lars/runtime/compiled-code'; keepCompiledCode(60_000);"],
  ["import { inlineLongPaths } from '@lars/runtime/inlining'; inlineLongPaths();"],
])('the flags are flags of this V8: %s', program => {
  const { status, stderr } = spawnSync(process.execPath, ['--conditions=source', '--input-type=module', '--eval', program], {
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

// A process of which one had begun ended with "Check failed: state.started_gcs() <= MaxNumberOfGCs()".
test('collections are counted to none only where none can have begun', () => {
  expect(keepingFlags(7_999)).toEqual(['--memory-reducer-gc-count=0']);
  expect(keepingFlags(8_000).join(' ')).not.toContain('count');
});
