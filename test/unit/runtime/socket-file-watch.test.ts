/** The file of a UNIX socket, for which a plain one stands here, and time that passes when the test says so. */
import { chmodSync, existsSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SocketFile } from '@lars/reactor';
import { SocketFileWatch } from '@lars/runtime/socket-file-watch';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type RecordingLog, recordingLog } from '../../support/recording-log.ts';

const GONE = 'the file of it was taken away, and is made anew';

let folder: string;
let place: string;
let log: RecordingLog;
let timers: (() => void)[];
let watch: SocketFileWatch;
let replace: () => Promise<SocketFile | undefined>;

const make = () => {
  writeFileSync(place, '', { mode: 0o600 });
  return new SocketFile(place);
};
const look = async () => {
  for (const timer of timers.splice(0)) timer();
  await new Promise(resolve => setImmediate(resolve));
};

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lars-watch-'));
  place = path.join(folder, 'a.sock');
  log = recordingLog();
  timers = [];
  replace = async () => make();
  watch = new SocketFileWatch('it', make(), {
    log: log.log,
    replace: () => replace(),
    after: (_, callback) => {
      timers.push(callback);
      return { cancel: () => void timers.splice(timers.indexOf(callback), 1) };
    },
  });
});
afterEach(() => {
  watch.stop();
  rmSync(folder, { recursive: true });
});

test('is made anew each time that it is gone, with the mode that somebody gave it', async () => {
  chmodSync(place, 0o666);
  await look();
  for (let times = 1; times <= 2; times++) {
    rmSync(place);
    await look();
    expect([statSync(place).mode & 0o777, watch.file.state]).toEqual([0o666, 'ours']);
    expect(log.events()).toEqual(Array.from({ length: times }, () => GONE));
  }
});

test('another file is left alone, and told once; when it goes, this one comes', async () => {
  writeFileSync(`${place}.other`, 'precious');
  renameSync(`${place}.other`, place);
  await look();
  await look();
  expect(log.events()).toEqual(['another file is at the path of it: nobody reaches this process there any more']);
  rmSync(place);
  await look();
  expect(log.events().at(-1)).toBe(GONE);
});

test('that it cannot be made anew is told once, and tried on; not now is no error', async () => {
  rmSync(place);
  replace = () => Promise.reject(new Error('no room'));
  await look();
  await look();
  expect(log.records.map(({ event, fields }) => [event, fields['error']])).toEqual([
    ['the file of it was taken away, and cannot be made anew', 'no room'],
  ]);
  replace = async () => undefined;
  await look();
  expect([existsSync(place), log.events().length]).toEqual([false, 1]);
  replace = async () => make();
  await look();
  expect([existsSync(place), log.events().at(-1)]).toEqual([true, GONE]);
});

test('one that is stopped looks no more', async () => {
  watch.stop();
  rmSync(place);
  await look();
  expect([existsSync(place), timers.length]).toEqual([false, 0]);
});
