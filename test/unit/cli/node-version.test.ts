import { describe, expect, test } from 'vitest';
import { nodeVersionProblem } from '../../../cli/bin/node-version.js';

describe('the version of Node.js', () => {
  test.each(['26.0.0', '26.10.0', '27.0.0-nightly', '100.1.2'])('%s is good', version => {
    expect(nodeVersionProblem(version)).toBeUndefined();
  });

  test.each(['20.20.2', '12.22.12', '25.9.0', '0.10.48', '8.0.0', ''])(
    '%s is too old, and the reason says what to do',
    version => {
      expect(nodeVersionProblem(version)).toBe(
        `needs Node.js 26 or newer, this is ${version}; in a clone use npx lars … (npm ci brings the right Node), elsewhere install one, or the .deb, which has its own`,
      );
    },
  );
});
