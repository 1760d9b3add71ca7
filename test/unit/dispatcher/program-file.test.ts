/** Programs that cannot be started at all, which is said before anything is opened. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { checkProgram } from '../../../dispatcher/src/program-file.ts';
import { startDispatchWorld, temporaryFolder } from '../../support/dispatch-world.ts';

function folderWith(name: string, mode: number): string {
  const folder = temporaryFolder();
  writeFileSync(path.join(folder, name), '#!/bin/sh\n');
  chmodSync(path.join(folder, name), mode);
  return folder;
}

test('a name is looked for in the folders of PATH, a path is not', () => {
  const folder = folderWith('server', 0o755);
  checkProgram('server', `/no/such/folder:${folder}`);
  checkProgram(path.join(folder, 'server'), undefined);
  expect(() => checkProgram('server', '/no/such/folder')).toThrow(
    'the program server cannot be started: it is in no folder of PATH',
  );
  expect(() => checkProgram('server', undefined)).toThrow('it is in no folder of PATH');
  expect(() => checkProgram(path.join(folder, 'other'), folder)).toThrow('cannot be started: there is no such file');
});

test('what may not be executed, and a folder, are no programs', () => {
  const folder = folderWith('server', 0o644);
  mkdirSync(path.join(folder, 'bin'));
  expect(() => checkProgram('server', folder)).toThrow(
    `the program ${path.join(folder, 'server')} cannot be started: it is no executable file`,
  );
  expect(() => checkProgram(path.join(folder, 'bin'), folder)).toThrow('there is no such file');
});

test('a dispatcher does not start with one', async () => {
  const processes = { count: 1, command: ['/no/such/program'] as const, startMs: 1_000, drainMs: 1_000 };
  await expect(startDispatchWorld({ processes })).rejects.toThrow('the program /no/such/program cannot be started');
});
