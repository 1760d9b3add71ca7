/** Which sockets a process opens or inherits, and which thread accepts from which. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createEngine, type Descriptors, type Engine } from '@lars/reactor';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readListeners } from '../../../proxy/src/listen/listener-rules.ts';
import { ListeningSockets } from '../../../proxy/src/listen/listening-sockets.ts';
import { SocketShares } from '../../../proxy/src/threads/socket-shares.ts';
import { openDescriptors } from '../../support/dispatch-world.ts';
import { type RecordingLog, recordingLog } from '../../support/recording-log.ts';
import { descriptorsHere } from '../../support/scripted-worker.ts';

let engine: Engine;
let descriptors: Descriptors;
let folder: string;
let log: RecordingLog;
const opened: ListeningSockets[] = [];

beforeEach(async () => {
  descriptors = await descriptorsHere();
  engine = await createEngine({ kind: 'epoll' });
  log = recordingLog();
  folder = mkdtempSync(path.join(tmpdir(), 'lars-sockets-'));
});
afterEach(async () => {
  for (const sockets of opened.splice(0)) sockets.close();
  await engine.close();
  rmSync(folder, { recursive: true });
});

interface Given {
  readonly threads?: number;
  readonly inheritedFds?: readonly number[];
  readonly ownsInheritedPaths?: boolean;
}

async function open(addresses: readonly string[], given: Given = {}): Promise<ListeningSockets> {
  const rules = readListeners(
    { listen: new Map(), listeners: { accept_proxy: 'off' } } as never,
    addresses.map(address => `${address}=1/1`),
  );
  if (typeof rules === 'string') throw new Error(rules);
  const options = { threads: 1, inheritedFds: [], ownsInheritedPaths: false, ...given };
  const sockets = await ListeningSockets.open(rules, options, { engine, descriptors, log: log.log });
  opened.push(sockets);
  return sockets;
}

const shares = (sockets: ListeningSockets, threads: number) =>
  Array.from({ length: threads }, (_, thread) => sockets.shareOf(thread));
/** As a process before this one, or systemd, passes them. */
const copies = (sockets: ListeningSockets) => sockets.fds.map(fd => descriptors.duplicate(fd));

test('of a port as many sockets as threads, of a UNIX socket one', async () => {
  const file = path.join(folder, 'a.sock');
  const sockets = await open(['127.0.0.1:0', `unix:${file}`], { threads: 3 });
  expect(sockets.places).toEqual([expect.stringMatching(/^127\.0\.0\.1:\d+$/), `unix:${file}`]);
  expect(shares(sockets, 3).map(all => all.length)).toEqual([2, 1, 1]);
  expect(new Set(shares(sockets, 3).flat()).size).toBe(sockets.fds.length);
  sockets.close();
  expect(existsSync(file)).toBe(false);
});

test.each([
  ['fewer threads: each of them has some', 3, 2, [2, 1]],
  ['as many', 2, 2, [1, 1]],
  ['more threads: sockets are added to the port', 2, 4, [1, 1, 1, 1]],
])('what is inherited is all used: %s', async (_, before, threads, counts) => {
  const first = await open(['127.0.0.1:0'], { threads: before });
  const second = await open(first.places, { threads, inheritedFds: copies(first) });
  expect(second.places).toEqual(first.places);
  expect(second.claims).toEqual(Array.from({ length: before }, (_, at) => at));
  expect(shares(second, threads).map(all => all.length)).toEqual(counts);
});

test('a port that one socket has alone is shared by the threads', async () => {
  const first = await open(['127.0.0.1:0']);
  const second = await open(first.places, { threads: 3, inheritedFds: copies(first) });
  expect(shares(second, 3)).toEqual([[0], [0], [0]]);
});

test('any port is what the other listeners leave; what nobody wants is closed', async () => {
  const before = openDescriptors();
  const first = await open(['127.0.0.1:0', '127.0.0.1:0', '[::1]:0']);
  const [a = '', b = ''] = first.places;
  const second = await open(['127.0.0.1:0', b], { inheritedFds: copies(first) });
  expect(second.places).toEqual([a, b]);
  expect(second.claims).toEqual([1, 0]);
  expect(log.records.map(({ level, event, fields }) => [level, event, fields])).toEqual([
    [
      'warn',
      'a listening socket was inherited (LISTEN_FDS) that is at no place to listen at, and is closed',
      { address: first.places[2] },
    ],
  ]);
  for (const sockets of [first, second]) sockets.close();
  expect(openDescriptors()).toBe(before);
});

test.each([
  ['systemd keeps', false],
  ['a successor has', true],
])('the file of a UNIX socket that %s', async (_, ownsInheritedPaths) => {
  const file = path.join(folder, 'a.sock');
  const first = await open([`unix:${file}`]);
  const second = await open([`unix:${file}`], { inheritedFds: copies(first), ownsInheritedPaths });
  first.close(new Set([0]));
  expect(existsSync(file)).toBe(true);
  second.close();
  expect(existsSync(file)).toBe(!ownsInheritedPaths);
});

test('a start that fails leaves what was inherited to whoever has it, and nothing else', async () => {
  const file = path.join(folder, 'a.sock');
  const first = await open([`unix:${file}`, '127.0.0.1:0']);
  const before = openDescriptors();
  const taken = first.places[1] as string;
  const inheritedFds = [descriptors.duplicate(first.fds[0] as number)];
  await expect(open([`unix:${file}`, taken], { inheritedFds, ownsInheritedPaths: true })).rejects.toThrow(`${taken} (listener`);
  expect([existsSync(file), openDescriptors()]).toEqual([true, before]);
});

test('a thread that is dead: another one accepts for it, until it is there again', async () => {
  const sockets = await open(['127.0.0.1:0'], { threads: 3 });
  const own = new SocketShares(3, { sockets, engine, descriptors });
  const given = (living: readonly number[]) =>
    own.reassign(living).map(({ thread, descriptors: list }) => [thread, list.map(({ socket }) => socket)]);
  expect(given([0, 1, 2])).toEqual([
    [0, [0]],
    [1, [1]],
    [2, [2]],
  ]);
  expect(own.bury(1)).toBe(0);
  expect(given([0, 2])).toEqual([[0, [1]]]);
  expect(own.bury(0)).toBe(0);
  // The one that is left has the sockets of both.
  expect(given([2])).toEqual([[2, [0, 1]]]);
  expect(given([1, 2])).toEqual([[1, [1]]]);
  expect(own.surplus([1, 2])).toEqual([{ thread: 2, sockets: [1] }]);
  own.takeBack(2, [1], []);
  expect(given([0, 1, 2])).toEqual([[0, [0]]]);
  expect(own.surplus([0, 1, 2])).toEqual([{ thread: 2, sockets: [0] }]);
});
