/** What `lars route` refuses because it would remove more than somebody meant. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LarsFolder } from './cli-process.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let folder: LarsFolder;
beforeEach(() => {
  folder = new LarsFolder();
});
afterEach(() => folder.dispose());

test('an empty file is no list of all routes, and a whole module is removed with --all', async () => {
  await folder.run(['route', 'import', '-', '--create'], '1,1,10.0.0.1:80\n1,1,10.0.0.2:80\n2,2,10.0.0.3:80\n');
  for (const input of ['', '\n# nothing\n', '[]'])
    expect(await folder.run(['route', 'import', '-', '--replace'], input)).toMatchObject({
      code: 1,
      err: 'lars: standard input: has no routes; lars route clear --yes removes all of them\n',
    });
  expect((await folder.run(['route', 'list'])).out).toContain('3 hosts in 2 modules');
  expect((await folder.run(['route', 'remove', '1/1'])).code).toBe(2);
  expect(await folder.run(['route', 'remove', '1/1', '--all'])).toMatchObject({
    code: 3,
    err: 'lars: module 1/1 would have no host any more; nothing was changed: add --yes to mean it\n',
  });
  expect(await folder.run(['route', 'remove', '1/1', '--all', '--yes'])).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^1\/1: 2 hosts removed in 1 module/),
  });
});
