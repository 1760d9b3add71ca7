/** The set of io_uring, where descriptors are not what they should be. */
import { once } from 'node:events';
import { fstatSync, openSync, readdirSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { loadNative } from '@lars/syscalls/native';
import { describe, expect, test } from 'vitest';
import { EngineCore } from '../../../reactor/src/engine-core.ts';
import { SOL_SOCKET } from '../../../reactor/src/linux/constants.ts';
import { NativeMemory } from '../../../reactor/src/linux/memory.ts';
import { RECEIVED, Ready } from '../../../reactor/src/native/readiness-set.ts';
import { bindUring, type UringLibc } from '../../../reactor/src/uring/uring-calls.ts';
import { UringSet } from '../../../reactor/src/uring/uring-set.ts';
import { temporaryPath } from '../../contract/reactor-harness.ts';

const NOBODY = 1_000_000;
/** Less than is received at once. */
const MESSAGE_BYTES = 4_000;
const SO_SNDBUF = 7;

const outcome = await loadNative(bindUring);
const calls = 'bound' in outcome ? outcome.bound.calls : undefined;

const openFiles = (): number => readdirSync('/proc/self/fd').length;

function isOpen(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice();
  } catch {
    return false;
  }
}

/** A connection of node:net on which nobody reads, and the number of its other end. @param path of a UNIX socket */
async function openConnection(
  closing: (() => void)[],
  path?: string,
): Promise<{ readonly near: Socket; readonly farFd: number }> {
  const server = createServer({ pauseOnConnect: true }).listen(path === undefined ? { port: 0, host: '127.0.0.1' } : { path });
  await once(server, 'listening');
  const near = connect(path === undefined ? { port: (server.address() as AddressInfo).port, host: '127.0.0.1' } : { path });
  near.pause();
  const [far] = (await once(server, 'connection')) as [Socket & { readonly _handle: { readonly fd: number } }];
  await once(near, near.connecting ? 'connect' : 'ready');
  closing.push(() => {
    near.destroy();
    far.destroy();
    server.close();
  });
  return { near, farFd: far._handle.fd };
}

/** A set, and how often it has entered the kernel. */
function openSet(): { readonly set: UringSet; readonly entered: () => number } | undefined {
  if (calls === undefined) return undefined;
  let entered = 0;
  const enter: typeof calls.enter = (...rest) => {
    entered += 1;
    return calls.enter(...rest);
  };
  try {
    const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const core = new EngineCore({ log: silent, nowMs: () => performance.now() });
    return { set: new UringSet({ ...calls, enter }, core), entered: () => entered };
  } catch {
    return undefined;
  }
}

const probe = openSet();
probe?.set.close();

describe.runIf(probe !== undefined)('a set of io_uring', () => {
  test.each([Ready.readable, 0])(
    'tells of a descriptor that is none, and nothing of it is left to be waited for (events %i)',
    events => {
      const { set, entered } = openSet() as NonNullable<ReturnType<typeof openSet>>;
      set.add(NOBODY, events, 7);
      expect(set.wait(100)).toBe(1);
      expect([set.fdOf(0), set.generationOf(0), set.readinessOf(0) & Ready.error]).toEqual([NOBODY, 7, Ready.error]);
      // What it tells and nobody takes is watched further, which fails as well.
      set.wait(0);
      set.wait(0);
      set.remove(NOBODY);
      expect(set.wait(0)).toBe(0);
      const before = entered();
      set.close();
      // It gives up after a hundred.
      expect(entered() - before).toBeLessThan(5);
    },
  );

  test('a message that is sent on whole wakes nobody', async () => {
    const { set } = openSet() as NonNullable<ReturnType<typeof openSet>>;
    const closing: (() => void)[] = [];
    const [from, to] = [await openConnection(closing), await openConnection(closing)];
    set.add(from.farFd, RECEIVED, 1);
    set.add(to.farFd, RECEIVED, 2);
    from.near.write('some words');
    expect([set.wait(900), set.fdOf(0), set.take(from.farFd)]).toEqual([1, from.farFd, 10]);
    expect(set.forward(from.farFd, to.farFd, true)).toBe(true);
    const beforeMs = performance.now();
    expect(set.wait(100)).toBe(0);
    expect(performance.now() - beforeMs).toBeGreaterThan(90);
    expect(set.isSending(to.farFd)).toBe(false);
    const read = once(to.near, 'data');
    to.near.resume();
    const [words] = (await read) as [Buffer];
    expect(words.toString()).toBe('some words');
    for (const { farFd } of [from, to]) set.remove(farFd);
    set.close();
    for (const close of closing) close();
  });

  test('the end of a send is told at once to who waits for it, and until then it is unfinished', async () => {
    const { set } = openSet() as NonNullable<ReturnType<typeof openSet>>;
    const closing: (() => void)[] = [];
    const [from, to] = [await openConnection(closing), await openConnection(closing)];
    set.add(from.farFd, RECEIVED, 1);
    set.add(to.farFd, RECEIVED, 2);
    from.near.write('some words');
    expect([set.wait(900), set.take(from.farFd), set.forward(from.farFd, to.farFd, true)]).toEqual([1, 10, true]);
    // The kernel gets all entries, those of others too.
    set.remove(from.farFd);
    expect([set.takeSent(to.farFd), set.isUnfinished]).toEqual([undefined, true]);
    const beforeMs = performance.now();
    expect([set.wait(900), set.fdOf(0), set.readinessOf(0), set.isUnfinished]).toEqual([1, to.farFd, Ready.writable, false]);
    expect(performance.now() - beforeMs).toBeLessThan(900);
    set.remove(to.farFd);
    set.close();
    for (const close of closing) close();
  });

  test('of a message for which there is no room what is left over is told', async () => {
    const { set } = openSet() as NonNullable<ReturnType<typeof openSet>>;
    const closing: (() => void)[] = [];
    const [from, to] = [await openConnection(closing), await openConnection(closing, temporaryPath())];
    // The least that there is: of a message half of it is taken at a time, and behind the first one no second half.
    const { libc } = (outcome as { readonly bound: UringLibc }).bound;
    const memory = new NativeMemory(libc);
    memory.scratch.setInt32(0, 0, true);
    expect(libc.setsockopt(to.farFd, SOL_SOCKET, SO_SNDBUF, memory.scratchAddress, 4)).toBe(0);
    set.add(from.farFd, RECEIVED, 1);
    set.add(to.farFd, RECEIVED, 2);
    for (const bytes of [1, MESSAGE_BYTES]) {
      from.near.write(Buffer.alloc(bytes));
      set.begin(from.farFd);
      expect([set.wait(900), set.fdOf(0), set.take(from.farFd)]).toEqual([1, from.farFd, bytes]);
      expect(set.forward(from.farFd, to.farFd, false)).toBe(true);
      if (bytes === 1) expect(set.wait(0)).toBe(0);
    }
    expect([set.wait(900), set.fdOf(0)]).toEqual([1, to.farFd]);
    const sent = set.takeSent(to.farFd) ?? 0;
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThan(MESSAGE_BYTES);
    expect(set.takeUnsent(to.farFd)).toHaveLength(MESSAGE_BYTES - sent);
    for (const { farFd } of [from, to]) set.remove(farFd);
    set.close();
    for (const close of closing) close();
  });

  test('what closes in great number does not wait for the next turn: others may need the descriptors; who watches is told before', () => {
    const { set } = openSet() as NonNullable<ReturnType<typeof openSet>>;
    const before = openFiles();
    const fds = Array.from({ length: 100 }, () => openSync('/dev/null', 'r'));
    const told: number[] = [];
    let isEarly = true;
    set.onClosing = fd => {
      isEarly &&= isOpen(fd);
      told.push(fd);
    };
    for (const fd of fds) set.closeDescriptor(fd);
    expect(openFiles() - before).toBeLessThan(20);
    set.wait(0);
    expect([openFiles(), told, isEarly]).toEqual([before, fds, true]);
    set.close();
  });
});
