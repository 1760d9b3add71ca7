/** Who may take over, and what happens to those who may not. */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createEngine, type Descriptors, type Engine } from '@lars/reactor';
import { encodeSuccessionFrame, type SuccessionService } from '@lars/runtime/succession/frames';
import { Predecessor } from '@lars/runtime/succession/predecessor';
import { SuccessionSocket } from '@lars/runtime/succession/succession-socket';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDescriptors } from '../../../support/dispatch-world.ts';
import { eventually } from '../../../support/eventually.ts';
import { hasPrograms } from '../../../support/needed-programs.ts';
import { type RecordingLog, recordingLog } from '../../../support/recording-log.ts';
import { descriptorsHere } from '../../../support/scripted-worker.ts';

const NOBODY = 65_534;
const IS_ROOT = process.getuid?.() === 0;

let engine: Engine;
let descriptors: Descriptors;
let folder: string;
let place: string;
let log: RecordingLog;
let socket: SuccessionSocket;
let stopping: AbortController;
/** Of the process that takes over. */
let newLog: RecordingLog;
let claimed: readonly number[] | undefined;

beforeEach(async () => {
  descriptors = await descriptorsHere();
  engine = await createEngine({ kind: 'epoll' });
  folder = mkdtempSync(path.join(tmpdir(), 'lars-succession-'));
  place = path.join(folder, 'takeover.sock');
  log = recordingLog();
  newLog = recordingLog();
  claimed = undefined;
  stopping = new AbortController();
  const listener = await engine.listen({ port: 0 }, () => undefined);
  socket = await SuccessionSocket.open(
    { service: 'proxy', path: place, name: 'takeover_socket' },
    {
      engine,
      descriptors,
      log: log.log,
      offers: () => [listener.fd ?? -1],
      onReady: (succession, all) => {
        claimed = [...all];
        succession.release(7_000);
        succession.close();
      },
    },
    undefined,
  );
});
afterEach(async () => {
  await socket.close();
  await engine.close();
  rmSync(folder, { recursive: true });
});

const meet = async (service: SuccessionService = 'proxy') => {
  const met = await Predecessor.meet({ descriptors, log: newLog.log }, { service, path: place, stopping: stopping.signal });
  if (met === undefined) throw new Error('nobody is there');
  return met;
};
const errors = () => log.records.map(({ fields }) => String(fields['error']));

test('it is offered what listens, claims, and learns what systemd wants', async () => {
  expect(statSync(place).mode & 0o777).toBe(0o600);
  const { predecessor, fds } = await meet();
  expect(fds).toHaveLength(2);
  expect(await predecessor.release([0])).toBe(7_000);
  expect(claimed).toEqual([0]);
  expect(newLog.events()).toEqual(['taken over from the process before']);
  predecessor.close();
  for (const fd of fds) descriptors.close(fd);
  await socket.close();
  // The other one listens there.
  expect(existsSync(place)).toBe(true);
});

test('a second one waits until the first has gone, and then has its turn', async () => {
  const before = openDescriptors();
  const first = await meet();
  const second = meet();
  for (const fd of first.fds) descriptors.close(fd);
  first.predecessor.close();
  const { predecessor, fds } = await second;
  expect(log.events()).toContain('the process that was to take over went away: this one goes on');
  for (const fd of fds) descriptors.close(fd);
  predecessor.close();
  await eventually('no descriptor has stayed', () => openDescriptors() <= before);
});

test('one that refuses is told from one that hangs', async () => {
  const refusing = await engine.listen({ path: `${place}.other` }, connection => connection.destroy());
  const meeting = Predecessor.meet({ descriptors, log: newLog.log }, { service: 'proxy', path: `${place}.other` });
  await expect(meeting).rejects.toThrow('it has closed the connection: another one takes over already');
  await refusing.close();
});

test('one of another service is refused, and gets nothing', async () => {
  await expect(meet('dispatcher')).rejects.toThrow(`the dispatcher at ${place} does not hand over`);
  await eventually('it is told', () => errors().includes('a dispatcher does not take over from a proxy'));
});

test('one that says something else is closed', async () => {
  const fd = descriptors.connect(place);
  descriptors.sendBytes(fd, Buffer.from('GET / HTTP/1.1\r\n'));
  await eventually('it is closed', () => descriptors.receive(fd).kind === 'gone');
  descriptors.close(fd);
  expect(errors()).toContain('its first frame is another one than succeed');
  await socket.close();
  expect(existsSync(place)).toBe(false);
});

/** Connects as another user, says that it takes over, and prints how many bytes and descriptors come. */
const STRANGER = `
import os, socket, sys
os.setuid(${NOBODY})
stranger = socket.socket(socket.AF_UNIX)
stranger.connect(sys.argv[1])
stranger.send(bytes.fromhex(sys.argv[2]))
stranger.settimeout(5)
message, descriptors, _, _ = socket.recv_fds(stranger, 100, 9)
print(len(message), len(descriptors))
`;

test.runIf(IS_ROOT && hasPrograms('another user', ['python3']))(
  'another user is refused, also where the mode of the file lets him in',
  async () => {
    chmodSync(folder, 0o755);
    chmodSync(place, 0o666);
    const hello = Buffer.from(encodeSuccessionFrame({ kind: 'succeed', version: 2, service: 'proxy' })).toString('hex');
    const child = spawn('python3', ['-c', STRANGER, place, hello]);
    let out = '';
    child.stdout.on('data', chunk => {
      out += chunk;
    });
    await eventually('it has ended', () => child.exitCode !== null);
    await eventually('it is told', () => errors().includes(`user ${NOBODY} may not take over`));
    expect([out.trim(), claimed]).toEqual(['0 0', undefined]);
  },
);

test('one that is told to stop takes nothing over: the one before goes on', async () => {
  const { predecessor, fds } = await meet();
  stopping.abort();
  await expect(predecessor.release([0])).rejects.toThrow('the process before goes on');
  predecessor.close();
  for (const fd of fds) descriptors.close(fd);
  await eventually('it is noticed', () => log.events().includes('the process that was to take over went away: this one goes on'));
  expect(claimed).toBeUndefined();
});

test('its file is made anew when somebody has taken it away, but not while it is another process that may have the socket in a moment', async () => {
  const { predecessor, fds } = await meet();
  rmSync(place);
  for (const fd of fds) descriptors.close(fd);
  expect(existsSync(place)).toBe(false);
  predecessor.close();
  await eventually('it is there again', () => existsSync(place));
  expect(statSync(place).mode & 0o777).toBe(0o600);
  const again = await meet();
  expect(await again.predecessor.release([0])).toBe(7_000);
  again.predecessor.close();
  for (const fd of again.fds) descriptors.close(fd);
  expect(log.events()).toContain('the file of the takeover socket was taken away, and is made anew');
});

test('where it cannot be made anew, that is said once, and another file stays', async () => {
  rmSync(place);
  writeFileSync(place, 'precious');
  await eventually('it is said', () =>
    log.events().some(event => event.startsWith('another file is at the path of the takeover socket')),
  );
  await socket.close();
  expect(existsSync(place)).toBe(true);
});

test('one that ends while another is about to take over leaves it the file, and is seen to be gone', async () => {
  const { predecessor, fds } = await meet();
  await socket.close();
  expect(existsSync(place)).toBe(true);
  expect(await predecessor.release([0])).toBeUndefined();
  expect(newLog.events()).toEqual(['the process before has ended before it had handed over: this one goes on alone']);
  expect(log.events()).not.toContain('the process that was to take over went away: this one goes on');
  predecessor.close();
  for (const fd of fds) descriptors.close(fd);
});
