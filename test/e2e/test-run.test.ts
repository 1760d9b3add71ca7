/** `test/run.ts` on projects of its own: what takes a second attempt passes in CI and is named, what fails for good fails. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test, vi } from 'vitest';

vi.setConfig({ testTimeout: 60_000 });

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CONFIG = `export default { test: { reporters: [${JSON.stringify(path.join(ROOT, 'test/support/closing-line-reporter.ts'))}] } };`;
/** Fails in the first process that runs it. */
const USED_UP = `
import { existsSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
const isSecond = existsSync('mark');
writeFileSync('mark', '');
test('needs a fresh process', () => expect(isSecond).toBe(true));
test('passes', () => expect(1).toBe(1));
`;
const FAILS = `
import { expect, test } from 'vitest';
test('fails', () => expect(1).toBe(2));
`;
const AGAIN = 'passed at the second attempt: ';
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

interface Outcome {
  readonly code: number;
  /** What passed at the second attempt. */
  readonly named: readonly string[];
  readonly lastLine: string | undefined;
}

/** @param files the text of each test, by its name */
function run(files: Readonly<Record<string, string>>, env: { readonly CI: string }): Promise<Outcome> {
  const folder = mkdtempSync(path.join(tmpdir(), 'lars-test-run-'));
  folders.push(folder);
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
  writeFileSync(path.join(folder, 'vitest.config.mjs'), CONFIG);
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, `${name}.test.mjs`), text);
  return new Promise(resolve => {
    const options = { cwd: folder, env: { ...process.env, ...env, VITEST: undefined } };
    execFile(process.execPath, [path.join(ROOT, 'test/run.ts')], options, (error, stdout) => {
      const lines = stdout.trimEnd().split('\n');
      const named = lines.filter(line => line.startsWith(AGAIN)).map(line => line.slice(AGAIN.length));
      resolve({ code: Number(error?.code ?? 0), named, lastLine: lines.at(-1) });
    });
  });
}

const usedUp = (mark: string): string => USED_UP.replace('mark', mark).replace('mark', mark);

describe('test/run.ts', () => {
  test('in CI, a file that failed runs once more: its tests count once, and the one that took it is named', async () => {
    expect(await run({ a: usedUp('a'), b: FAILS.replace('toBe(2)', 'toBe(1)') }, { CI: 'true' })).toStrictEqual({
      code: 0,
      named: ['a.test.mjs > needs a fresh process (expected false to be true // Object.is equality, line 6)'],
      lastLine: '3 passed, 0 failed',
    });
  });

  test('in CI, what nobody caught counts only where it is thrown again', async () => {
    const rejection = "if (!isSecond) void Promise.reject(new Error('uncaught'));";
    const text = usedUp('a').replace("test('passes'", `test('rejects', () => { ${rejection} });\ntest('passes'`);
    expect(await run({ a: text }, { CI: 'true' })).toMatchObject({ code: 0, lastLine: '3 passed, 0 failed' });
    const always = {
      a: usedUp('a'),
      b: "import { test } from 'vitest'; test('rejects', () => void Promise.reject(new Error('uncaught')));",
    };
    expect(await run(always, { CI: 'true' })).toMatchObject({ code: 1, lastLine: '2 passed, 2 failed' });
  });

  test('in CI, what fails again has failed', async () => {
    expect(await run({ a: usedUp('a'), b: FAILS }, { CI: 'true' })).toStrictEqual({
      code: 1,
      named: ['a.test.mjs > needs a fresh process (expected false to be true // Object.is equality, line 6)'],
      lastLine: '2 passed, 1 failed',
    });
  });

  test('in CI, where many files fail there is no second attempt', async () => {
    const files = Object.fromEntries(['a', 'b', 'c', 'd'].map(name => [name, usedUp(name)]));
    expect(await run(files, { CI: 'true' })).toStrictEqual({ code: 1, named: [], lastLine: '4 passed, 4 failed' });
  });

  test('elsewhere there is none', async () => {
    expect(await run({ a: usedUp('a') }, { CI: '' })).toStrictEqual({ code: 1, named: [], lastLine: '1 passed, 1 failed' });
  });
});
