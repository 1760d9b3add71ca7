/** A worker's link, against a dispatcher that does what the test says. */
import path from 'node:path';
import { decodeWorkerFrame, encodeFrame, type WorkerFrame } from '@lars/dispatch/protocol';
import { StatusView } from '@lars/dispatch/shared-status';
import { type Connection, createEngine } from '@lars/reactor';
import { FrameSplitter } from '@lars/reactor/number-frames';
import { expect, test, vi } from 'vitest';
import { DispatchLink } from '../../../dispatch/src/dispatch-link.ts';
import { afterTest, type Client, connectClient, temporaryFolder } from '../../support/dispatch-world.ts';
import { eventually } from '../../support/eventually.ts';
import { descriptorsHere } from '../../support/scripted-worker.ts';

const descriptors = await descriptorsHere();

interface ScriptedDispatcher {
  readonly path: string;
  /** The connections of workers, in the order in which they came, each with what it has said. */
  readonly remotes: { readonly fd: number; readonly said: WorkerFrame[]; readonly connection: Connection }[];
  /** A client's connection, accepted. */
  accept(): Promise<{ readonly client: Client; readonly fd: number }>;
}

async function startScriptedDispatcher(): Promise<ScriptedDispatcher> {
  const engine = await createEngine({ kind: 'epoll' });
  afterTest(() => engine.close());
  const file = path.join(temporaryFolder(), 's');
  const remotes: ScriptedDispatcher['remotes'] = [];
  const accepted: number[] = [];
  await engine.listen({ path: file }, incoming => {
    const { fd } = incoming.detach();
    const said: WorkerFrame[] = [];
    const splitter = new FrameSplitter();
    const connection = engine.adopt(fd);
    connection.start({ onData: (_, bytes) => splitter.push(bytes, frame => said.push(decodeWorkerFrame(frame))) });
    remotes.push({ fd, said, connection });
  });
  const { address } = await engine.listen({ port: 0 }, connection => accepted.push(connection.detach().fd));
  return {
    path: file,
    remotes,
    accept: async () => {
      const client = await connectClient({ host: '127.0.0.1', port: address.port });
      return { client, fd: await eventually('accepted', () => accepted.pop()) };
    },
  };
}

function startLink(socketPath: string, more: { readonly ticket?: number; readonly nowMs?: () => number } = {}) {
  const { ticket = 0, nowMs = () => 0 } = more;
  const seen = {
    connections: [] as number[],
    listeners: [] as number[],
    ends: [] as ((isShutDown: boolean) => void)[],
    troubles: [] as string[],
    attached: 0,
    drained: 0,
    left: 0,
    open: 0,
  };
  const link = new DispatchLink(
    { socketPath, maxConnections: 7, ticket },
    {
      descriptors,
      nowMs,
      random: () => 0.5,
      onConnection: (fd, listener, onEnded) => {
        seen.connections.push(fd);
        seen.listeners.push(listener);
        seen.open += 1;
        seen.ends.push(isShutDown => {
          seen.open -= 1;
          onEnded(isShutDown);
        });
      },
      countOpen: () => seen.open,
      onAttached: () => {
        seen.attached += 1;
      },
      onDrain: () => {
        seen.drained += 1;
        link.leave();
      },
      onLeft: () => {
        seen.left += 1;
      },
      onTrouble: error => seen.troubles.push(error.message),
    },
  );
  afterTest(() => link.leave());
  link.open();
  return { link, seen };
}

interface Attached {
  readonly control: number;
  readonly second: number;
  readonly said: readonly WorkerFrame[];
  readonly view: StatusView;
  /** Passes connections in one message, and tells of it. */
  give(fds: readonly number[], listeners?: readonly number[]): void;
}

/** @param beforePage is called when the second connection is here, and nothing was sent to it */
async function attach(dispatcher: ScriptedDispatcher, at = 0, beforePage?: () => void): Promise<Attached> {
  const control = await eventually('hello', () => dispatcher.remotes.filter(({ said }) => said[0]?.kind === 'hello')[at]);
  descriptors.sendBytes(control.fd, encodeFrame({ kind: 'welcome', version: 2, session: 99 }));
  const second = await eventually('attach', () => dispatcher.remotes.filter(({ said }) => said[0]?.kind === 'attach')[at]);
  expect(second.said).toEqual([{ kind: 'attach', session: 99 }]);
  beforePage?.();
  const { page, fd } = descriptors.createPage();
  afterTest(() => page.close());
  descriptors.send(second.fd, [fd], [0]);
  descriptors.close(fd);
  const look = () => descriptors.sendBytes(control.fd, encodeFrame({ kind: 'look' }));
  look();
  return {
    control: control.fd,
    second: second.fd,
    said: control.said,
    view: new StatusView(page, 0),
    give: (fds, listeners = fds.map(() => 0)) => {
      descriptors.send(second.fd, fds, listeners);
      look();
    },
  };
}

const closeAll = (fds: readonly number[]) => {
  for (const fd of fds) descriptors.close(fd);
};

test('says what it wants and has, and serves what it has taken; all of a message together', async () => {
  const dispatcher = await startScriptedDispatcher();
  const { seen } = startLink(dispatcher.path);
  const { said, give, view } = await attach(dispatcher);
  expect(said).toEqual([
    { kind: 'hello', version: 2, maxConnections: 7, ticket: 0 },
    { kind: 'status', taken: 0, open: 0 },
  ]);
  const fds = [(await dispatcher.accept()).fd, (await dispatcher.accept()).fd, (await dispatcher.accept()).fd];
  give(fds, [0, 2, 1]);
  await eventually('they are served', () => seen.connections.length === 3);
  expect([view.takenSince(0), view.takenSince(1), view.open, seen.listeners]).toEqual([3, 2, 3, [0, 2, 1]]);
  expect(said).toHaveLength(2);
  closeAll([...fds, ...seen.connections]);
});

test('says with a frame what it is asked for, and what the dispatcher holds back', async () => {
  const dispatcher = await startScriptedDispatcher();
  const { seen } = startLink(dispatcher.path);
  const { said, give, view } = await attach(dispatcher);
  const fds = [(await dispatcher.accept()).fd, (await dispatcher.accept()).fd, (await dispatcher.accept()).fd];
  give(fds);
  await eventually('they are served', () => seen.ends.length === 3);
  seen.ends[0]?.(true);
  await eventually('the count', () => view.open === 2);
  expect(said).toHaveLength(2);
  // The dispatcher has a descriptor of the second and third still: the client would not see the end.
  view.release(1);
  seen.ends[1]?.(false);
  await eventually('the frame', () => said.length === 3);
  expect(said[2]).toEqual({ kind: 'status', taken: 3, open: 1 });
  view.release(2);
  view.ask(true);
  seen.ends[2]?.(false);
  await eventually('the frame', () => said.length === 4);
  expect(said[3]).toEqual({ kind: 'status', taken: 3, open: 0 });
  closeAll([...fds, ...seen.connections]);
});

test('does not serve what it can no longer take, and closes its descriptor', async () => {
  const dispatcher = await startScriptedDispatcher();
  const { seen } = startLink(dispatcher.path);
  const { give, view } = await attach(dispatcher);
  const { client, fd } = await dispatcher.accept();
  view.close();
  give([fd]);
  await eventually('it comes again', () => dispatcher.remotes.filter(({ said }) => said[0]?.kind === 'hello').length === 2);
  expect([seen.connections, seen.troubles]).toEqual([[], ['the dispatcher has given up on this worker']]);
  descriptors.close(fd);
  await eventually('nobody has the connection any more', () => client.end() === 'ended');
});

test('takes what is on the way before it has left', async () => {
  const dispatcher = await startScriptedDispatcher();
  const { link, seen } = startLink(dispatcher.path);
  const { control, second, said } = await attach(dispatcher);
  await eventually('it is attached', () => seen.attached === 1);
  link.leave();
  await eventually('leave', () => said.at(-1)?.kind === 'leave');
  const { fd } = await dispatcher.accept();
  descriptors.send(second, [fd], [0]);
  expect(seen.left).toBe(0);
  descriptors.sendBytes(control, encodeFrame({ kind: 'last', number: 1 }));
  await eventually('it has left', () => seen.left === 1);
  expect(seen.connections).toHaveLength(1);
  closeAll([fd, ...seen.connections]);
});

test('that leaves before it is attached takes nothing', async () => {
  const dispatcher = await startScriptedDispatcher();
  const { link, seen } = startLink(dispatcher.path);
  const { give } = await attach(dispatcher, 0, () => link.leave());
  const { client, fd } = await dispatcher.accept();
  give([fd]);
  descriptors.close(fd);
  await eventually('nobody has the connection', () => client.end() !== undefined);
  expect([seen.left, seen.attached, seen.connections]).toEqual([1, 0, []]);
});

test('comes again at once when another dispatcher has taken over', async () => {
  const dispatcher = await startScriptedDispatcher();
  const { seen } = startLink(dispatcher.path);
  const { control, give } = await attach(dispatcher);
  const { fd } = await dispatcher.accept();
  give([fd]);
  await eventually('it is served', () => seen.connections.length === 1);
  descriptors.sendBytes(control, encodeFrame({ kind: 'moved' }));
  descriptors.shutdown(control);
  const { said } = await attach(dispatcher, 1);
  expect(said[1]).toEqual({ kind: 'status', taken: 0, open: 1 });
  expect(seen.troubles).toEqual([]);
  closeAll([fd, ...seen.connections]);
});

test('a dispatcher that sends rubbish, or connections without descriptors, is left, and tried again', async () => {
  const dispatcher = await startScriptedDispatcher();
  const { seen } = startLink(dispatcher.path);
  const hellos = (count: number) =>
    eventually('it comes again', () => dispatcher.remotes.filter(({ said }) => said[0]?.kind === 'hello').length === count);
  const { control, second } = await attach(dispatcher);
  descriptors.sendBytes(second, new Uint8Array(3));
  descriptors.sendBytes(control, encodeFrame({ kind: 'look' }));
  await hellos(2);
  expect(seen.troubles).toEqual(['3 connections came without a descriptor: this process has too many open']);
  const again = await attach(dispatcher, 1);
  descriptors.sendBytes(again.control, encodeFrame({ kind: 'connection', number: 1, listener: 0 }));
  await hellos(3);
  const third = await attach(dispatcher, 2);
  descriptors.sendBytes(third.control, new TextEncoder().encode('HTTP/1.1 200 OK\r'));
  await hellos(4);
  const fourth = await eventually('again', () => dispatcher.remotes.findLast(({ said }) => said[0]?.kind === 'hello'));
  descriptors.sendBytes(fourth.fd, encodeFrame({ kind: 'welcome', version: 1, session: 5 }));
  await hellos(5);
  expect(seen.connections).toEqual([]);
});

test.each([
  ['ends when the dispatcher that has started it is gone', 5, 1],
  ['goes on trying when somebody else has started it', 0, 0],
])('%s', async (_, ticket, drained) => {
  let nowMs = 0;
  const { seen } = startLink(path.join(temporaryFolder(), 'none'), { ticket, nowMs: () => nowMs });
  await eventually('it has tried', () => seen.troubles.length === 1);
  nowMs = 10_000;
  await new Promise(resolve => setTimeout(resolve, 300));
  expect([seen.drained, seen.left]).toEqual([drained, drained]);
});

test('waits longer each time that the link breaks soon, and begins anew when it has lasted', async () => {
  const dispatcher = await startScriptedDispatcher();
  const delays: unknown[] = [];
  const original = globalThis.setTimeout;
  const spy = vi.spyOn(globalThis, 'setTimeout').mockImplementation(((callback: () => void, ms: number) => {
    delays.push(ms);
    return original(callback, Math.min(ms, 5));
  }) as typeof setTimeout);
  afterTest(() => spy.mockRestore());
  let nowMs = 0;
  const { seen } = startLink(dispatcher.path, { nowMs: () => nowMs });
  const waits = () => delays.filter(ms => [37.5, 75, 150, 300].includes(ms as number));
  for (const [at, lastedMs] of [0, 0, 1_999, 2_000].entries()) {
    const { control } = await attach(dispatcher, at);
    await eventually('it is attached', () => seen.attached === at + 1);
    nowMs += lastedMs;
    dispatcher.remotes.findLast(({ fd }) => fd === control)?.connection.destroy();
    await eventually('it waits', () => waits().length === at + 1);
  }
  expect(waits()).toEqual([37.5, 75, 150, 37.5]);
});
