import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  ConfigError,
  defineConfig,
  integer,
  MAX_CONFIG_BYTES,
  readConfigFile,
  section,
} from '../../../../runtime/src/config/config.ts';

const table = defineConfig({
  file: 'agent.ini',
  title: 'An agent.',
  sections: { udp: section('UDP', { port: integer({ default: 8888, min: 0, max: 65533, meaning: 'The port.' }) }) },
});

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lars-config-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

test('without a path everything is at its default', () => {
  expect(readConfigFile(table, undefined)).toEqual({ config: { udp: { port: 8888 } }, source: 'defaults' });
});

test('a file is read, with or without a byte order mark', () => {
  for (const mark of ['', '\uFEFF']) {
    const path = write('good.ini', `${mark}[udp]\nport = 9 ; 端口\n`);
    expect(readConfigFile(table, path)).toEqual({ config: { udp: { port: 9 } }, source: path });
  }
});

test('a file may have comments in another encoding, but no values', () => {
  const gbk = Uint8Array.of(0xb6, 0xcb, 0xbf, 0xda);
  const path = write('gbk.ini', Buffer.concat([Buffer.from('[udp]\n;'), gbk, Buffer.from('\nport = 9')]));
  expect(readConfigFile(table, path).config.udp.port).toBe(9);
  const bad = write('gbk-value.ini', Buffer.concat([Buffer.from('[udp]\nport = 9'), gbk]));
  expect(() => readConfigFile(table, bad)).toThrow(/^.*gbk-value\.ini:2: \[udp\] port = 9.*\uFFFD.*: expected UTF-8$/);
});

test('a file in UTF-16 is refused in words', () => {
  const path = write('utf16.ini', Buffer.from('\uFEFF[udp]\r\nport = 9', 'utf16le'));
  expect(() => readConfigFile(table, path)).toThrow(`${path}:1: a NUL byte: expected a text file in UTF-8`);
});

test('a file has at most 1 MiB', () => {
  const largest = write('largest.ini', `[udp]\nport = 9\n${';'.repeat(MAX_CONFIG_BYTES - 15)}`);
  expect(readConfigFile(table, largest).config.udp.port).toBe(9);
  // Fewer characters than the limit, but more bytes.
  const larger = write('larger.ini', `;${'端'.repeat(Math.ceil(MAX_CONFIG_BYTES / 3))}`);
  expect(() => readConfigFile(table, larger)).toThrow(new ConfigError(larger, undefined, 'larger than 1048576 bytes'));
  expect(() => readConfigFile(table, '/dev/zero')).toThrow('/dev/zero: larger than 1048576 bytes');
});

test.each([
  ['missing.ini', 'no such file or directory (ENOENT)'],
  ['folder', 'illegal operation on a directory (EISDIR)'],
  ['file/agent.ini', 'not a directory (ENOTDIR)'],
  ['loop', 'too many symbolic links encountered (ELOOP)'],
])('what cannot be read: %s', (name, reason) => {
  mkdirSync(join(folder, 'folder'), { recursive: true });
  write('file', '');
  rmSync(join(folder, 'loop'), { force: true });
  symlinkSync('loop', join(folder, 'loop'));
  const path = join(folder, name);
  expect(() => readConfigFile(table, path)).toThrow(
    expect.objectContaining({ code: 'BAD_CONFIG', message: `${path}: cannot be read: ${reason}`, cause: expect.any(Error) }),
  );
});

test('no file stays open', () => {
  const path = write('closed.ini', '[udp]\nport = 9');
  const open = () => readdirSync('/proc/self/fd').length;
  const before = open();
  for (let i = 0; i < 20; i++) {
    readConfigFile(table, path);
    expect(() => readConfigFile(table, folder)).toThrow('EISDIR');
  }
  expect(open()).toBe(before);
});

test('a path that is none', () => {
  expect(() => readConfigFile(table, 'a\0b')).toThrow(/^a\\u\{0\}b: cannot be read: .*without null bytes/);
});
