import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeFolder } from '@lars/runtime/own-files';
import { beforeEach, expect, test } from 'vitest';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lars-own-files-'));
  return () => rmSync(folder, { recursive: true });
});

const modeOf = (name: string) => (statSync(path.join(folder, name)).mode & 0o777).toString(8);

test('missing folders are made for their owner and group alone; those that are there keep their mode', async () => {
  mkdirSync(path.join(folder, 'a'), { mode: 0o755 });
  const deep = path.join(folder, 'a/b/c');
  await Promise.all([makeFolder(deep), makeFolder(deep)]);
  expect(['a', 'a/b', 'a/b/c'].map(modeOf)).toEqual(['755', '750', '750']);
});

test('a file in the way is named', async () => {
  writeFileSync(path.join(folder, 'a'), '');
  await expect(makeFolder(path.join(folder, 'a'))).rejects.toThrow(`${folder}/a is not a folder`);
  await expect(makeFolder(path.join(folder, 'a/b'))).rejects.toThrow('ENOTDIR');
});

test('what cannot be made below /proc is an error, and not an endless attempt', async () => {
  await expect(makeFolder('/proc/no/such')).rejects.toThrow('/proc/no');
});
