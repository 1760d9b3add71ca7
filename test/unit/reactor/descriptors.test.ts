import { connect, createServer, Socket } from 'node:net';
import path from 'node:path';
import { createEngine } from '@lars/reactor';
import { expect, test } from 'vitest';
import { afterTest, temporaryFolder } from '../../support/dispatch-world.ts';
import { eventually } from '../../support/eventually.ts';
import { descriptorsHere } from '../../support/scripted-worker.ts';

const descriptors = await descriptorsHere();

/** Two ends of a UNIX connection: one is a descriptor, the other a socket of Node. */
async function pair(): Promise<{ readonly fd: number; readonly socket: Socket }> {
  const file = path.join(temporaryFolder(), 's');
  const { promise, resolve } = Promise.withResolvers<Socket>();
  const server = createServer({ pauseOnConnect: true }, resolve);
  await new Promise<void>(listening => {
    server.listen(file, listening);
  });
  afterTest(() => server.close());
  const fd = descriptors.connect(file);
  const socket = await promise;
  afterTest(() => socket.destroy());
  return { fd, socket };
}

/** Two ends as descriptors. */
async function descriptorPair(): Promise<readonly [number, number]> {
  const file = path.join(temporaryFolder(), 's');
  const engine = await createEngine({ kind: 'epoll' });
  afterTest(() => engine.close());
  const { promise, resolve } = Promise.withResolvers<number>();
  await engine.listen({ path: file }, connection => resolve(connection.detach().fd));
  const first = descriptors.connect(file);
  const second = await promise;
  afterTest(() => {
    descriptors.close(first);
    descriptors.close(second);
  });
  return [first, second];
}

test('a connection that was passed is the same one, with the bytes that nobody has read', async () => {
  const [sender, receiver] = await descriptorPair();
  const { fd, socket } = await pair();
  socket.write('before');
  expect(descriptors.send(sender, [fd], [0])).toBe('sent');
  descriptors.close(fd);
  const received = descriptors.receive(receiver);
  if (received.kind !== 'message') throw new Error(received.kind);
  const passed = new Socket({ fd: received.fds[0] as number });
  afterTest(() => passed.destroy());
  let text = '';
  passed.on('data', chunk => {
    text += String(chunk);
  });
  await eventually('the bytes', () => text === 'before');
  expect(descriptors.receive(receiver)).toEqual({ kind: 'none' });
});

test('a message without a descriptor has its bytes alone, and a remote that has closed is gone', async () => {
  const [sender, receiver] = await descriptorPair();
  expect(descriptors.sendBytes(sender, new Uint8Array([7]))).toBe(true);
  expect(descriptors.receive(receiver)).toEqual({ kind: 'message', fds: [], bytes: new Uint8Array([7]) });
  expect(descriptors.receive(receiver)).toEqual({ kind: 'none' });
  descriptors.shutdown(sender);
  expect(descriptors.receive(receiver)).toEqual({ kind: 'gone' });
  expect(descriptors.send(receiver, [0], [0])).toBe('gone');
});

test('a receiver that takes nothing makes the socket full, and loses nothing', async () => {
  const [sender, receiver] = await descriptorPair();
  let sent = 0;
  while (sent < 100_000 && descriptors.send(sender, [sender], [0]) === 'sent') sent += 1;
  expect(descriptors.send(sender, [sender], [0])).toBe('full');
  let received = 0;
  for (let next = descriptors.receive(receiver); next.kind === 'message'; next = descriptors.receive(receiver)) {
    for (const fd of next.fds) descriptors.close(fd);
    received += 1;
  }
  expect(sent).toBeGreaterThan(64);
  expect(received).toBe(sent);
  expect(descriptors.send(sender, [sender], [0])).toBe('sent');
});

test('what was written before the reader shut down is read after it, and nothing can be written after it', async () => {
  const [worker, dispatcher] = await descriptorPair();
  expect(descriptors.send(worker, [worker], [0])).toBe('sent');
  descriptors.shutdown(dispatcher);
  expect(descriptors.send(worker, [worker], [0])).toBe('gone');
  const received = descriptors.receive(dispatcher);
  if (received.kind !== 'message') throw new Error(received.kind);
  for (const fd of received.fds) descriptors.close(fd);
  expect(descriptors.receive(dispatcher)).toEqual({ kind: 'gone' });
});

test('a path that cannot be one, and one where nobody listens, are errors that say so', () => {
  expect(() => descriptors.connect('x'.repeat(200))).toThrow(
    'the path of a UNIX socket has from 1 to 107 bytes, and this has 200',
  );
  expect(() => descriptors.connect(path.join(temporaryFolder(), 'none'))).toThrow(/^connect ENOENT/);
});

/** A client of a listener, and the descriptor that was accepted. */
async function accepted(place: { readonly port: number } | { readonly path: string }): Promise<readonly [Socket, number]> {
  const engine = await createEngine({ kind: 'epoll' });
  afterTest(() => engine.close());
  const { promise, resolve } = Promise.withResolvers<number>();
  const listener = await engine.acceptDescriptors(place, { onDescriptor: resolve, onAccepted: () => undefined });
  const socket = connect('path' in place ? place : { port: listener.address.port, host: '127.0.0.1' });
  afterTest(() => socket.destroy());
  const fd = await promise;
  afterTest(() => descriptors.close(fd));
  return [socket, fd];
}

test.each([
  ['TCP, open', { port: 0 }, () => undefined, false],
  ['TCP, reset', { port: 0 }, (socket: Socket) => socket.resetAndDestroy(), true],
  ['TCP, reset behind its bytes', { port: 0 }, (socket: Socket) => socket.write('a', () => socket.resetAndDestroy()), true],
  ['TCP, ended', { port: 0 }, (socket: Socket) => socket.end('a'), false],
  ['UNIX, open', { path: 's' }, () => undefined, false],
  ['UNIX, closed', { path: 's' }, (socket: Socket) => socket.destroy(), true],
  ['UNIX, closed behind its bytes', { path: 's' }, (socket: Socket) => socket.write('a', () => socket.destroy()), false],
  ['UNIX, ended', { path: 's' }, (socket: Socket) => socket.end('a'), false],
] as const)('a remote that is gone is told from one that waits: %s', async (_, place, act, isGone) => {
  const [socket, fd] = await accepted('path' in place ? { path: path.join(temporaryFolder(), place.path) } : place);
  const [other, otherFd] = await accepted({ port: 0 });
  act(socket);
  other.resetAndDestroy();
  await eventually('it is known', () => descriptors.findGone([fd, otherFd]).length === 1 + Number(isGone));
  expect(descriptors.findGone([otherFd, fd])).toEqual(isGone ? [otherFd, fd] : [otherFd]);
  expect(descriptors.findGone([])).toEqual([]);
  other.destroy();
});
