import { expect, test } from 'vitest';
import { drawsOver } from '../../../cli/src/terminal.ts';

test.each([
  [true, 'xterm-256color', true],
  [true, undefined, true],
  [true, 'dumb', false],
  [false, 'xterm', false],
  [undefined, 'xterm', false],
])('a stream with isTTY %j and TERM %j is drawn over: %j', (isTTY, term, expected) => {
  expect(drawsOver(isTTY === undefined ? {} : { isTTY }, term)).toBe(expected);
});
