import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { decodeCheckedFile, encodeCheckedFile, type FileKind } from '@lars/proto/checked-file';
import { readCheckedFile, writeCheckedFile, writeDurableFile } from '@lars/runtime/durable-file';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const KIND: FileKind = { name: 'agent-routes', version: 2 };
const AT_MS = 1_790_000_000_000;
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (body: Uint8Array) => new TextDecoder().decode(body);

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lars-durable-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('a checked file', () => {
  test.each(['', 'one line\nand another', '\0\n'])('gives back its body and when it was written: %j', async body => {
    const path = join(folder, 'file');
    await writeCheckedFile(path, KIND, bytes(body), AT_MS);
    const read = await readCheckedFile(path, KIND);
    expect(read?.isWhole === true && [text(read.body), read.writtenAtMs]).toEqual([body, AT_MS]);
  });

  const whole = encodeCheckedFile(KIND, bytes('hosts'), AT_MS, crc32);
  test.each([
    ['nothing', new Uint8Array(), 'is empty'],
    ['something else', bytes('SQLite format 3\0\n'), 'was not written by LARS'],
    ['a line without end', bytes('lars agent-routes 2 5 '.padEnd(1_000, '0')), 'was not written by LARS'],
    ['another kind', encodeCheckedFile({ ...KIND, name: 'unsent' }, bytes(''), AT_MS, crc32), 'is another kind of file: unsent'],
    [
      'a newer one',
      encodeCheckedFile({ ...KIND, version: 3 }, bytes(''), AT_MS, crc32),
      'is of format 3, which is newer than this program (format 2)',
    ],
    [
      'an older one',
      encodeCheckedFile({ ...KIND, version: 1 }, bytes(''), AT_MS, crc32),
      'is of the old format 1 (this program has format 2)',
    ],
    ['a torn one', whole.subarray(0, -1), 'is torn: 4 of 5 bytes are there'],
    ['a damaged one', whole.with(-1, 0), 'is damaged: its checksum differs'],
  ])('says why it cannot be used: %s', (_what, file, why) => {
    expect(decodeCheckedFile(KIND, file, crc32)).toEqual({ isWhole: false, why });
  });

  test('property: cut anywhere or with any byte changed it is not taken for whole, but where its own date is wrong', () => {
    const date = whole.indexOf(0x0a) - String(AT_MS).length;
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.boolean(), (at, value, isCut) => {
        const file = isCut ? whole.subarray(0, at) : whole.with(at, value);
        const isHarmless = !isCut && (whole[at] === value || (at >= date && at < whole.indexOf(0x0a)));
        if (!isHarmless) expect(decodeCheckedFile(KIND, file, crc32).isWhole).toBe(false);
      }),
    );
  });

  test('is undefined where there is none, and says so where it cannot be read', async () => {
    expect(await readCheckedFile(join(folder, 'none'), KIND)).toBeUndefined();
    mkdirSync(join(folder, 'folder'));
    const read = await readCheckedFile(join(folder, 'folder'), KIND);
    expect(read).toMatchObject({ isWhole: false, why: expect.stringContaining('cannot be read: EISDIR') });
  });
});

describe('a durable file', () => {
  test('is there whole or as it was, for its owner and group alone, and nothing is left beside it', async () => {
    const path = join(folder, 'file');
    await writeDurableFile(path, bytes('one'));
    await writeDurableFile(path, bytes('two'));
    expect(readFileSync(path, 'utf8')).toBe('two');
    expect(statSync(path).mode & 0o007).toBe(0);
    expect(readdirSync(folder)).toEqual(['file']);
  });

  test('takes away the drafts of processes that were killed while they wrote, and nothing else', async () => {
    const child = spawnSync(process.execPath, ['-e', '']);
    const others = [`file.${process.ppid}.tmp`, `other.${child.pid}.tmp`, 'file.backup.tmp', `file.${child.pid}.tmp.gz`];
    for (const name of [`file.${child.pid}.tmp`, ...others]) writeFileSync(join(folder, name), '');
    await writeDurableFile(join(folder, 'file'), bytes('one'));
    expect(readdirSync(folder).sort()).toEqual(['file', ...others].sort());
  });

  test('that cannot be renamed leaves nothing beside it', async () => {
    mkdirSync(join(folder, 'file'));
    writeFileSync(join(folder, 'file', 'inside'), '');
    await expect(writeDurableFile(join(folder, 'file'), bytes('one'))).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
    expect(readdirSync(folder)).toEqual(['file']);
  });

  test('in a folder that is not there is an error that names it', async () => {
    await expect(writeDurableFile(join(folder, 'none', 'file'), bytes('one'))).rejects.toThrow(/ENOENT.*none/);
  });
});
