/** A worker's link, against a dispatcher that does what the test says. */
import path from 'node:path';
import { decodeWorkerFrame, encodeFrame, FrameSplitter, type WorkerFrame } from '@lars/dispatch/protocol';
import { type Connection, createEngine } from '@lars/reactor';
import { expect, test } from 'vitest';
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
  const seen = { connections: [] as number[], troubles: [] as string[], drained: 0, left: 0, open: 0 };
  const link = new DispatchLink(
    { socketPath, maxConnections: 7, ticket },
    {
      descriptors,
      nowMs,
      random: () => 0.5,
      onConnection: fd => seen.connections.push(fd),
      countOpen: () => seen.open,
      onAttached: () => undefined,
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

async function attach(dispatcher: ScriptedDispatcher): Promise<{ readonly control: number; readonly second: number }> {
  const control = await eventually('hello', () => dispatcher.remotes.find(({ said }) => said[0]?.kind === 'hello'));
  descriptors.sendBytes(control.fd, encodeFrame({ kind: 'welcome', version: 1, session: 99 }));
  const second = await eventually('attach', () => dispatcher.remotes.find(({ said }) => said[0]?.kind === 'attach'));
  expect(second.said).toEqual([{ kind: 'attach', session: 99 }]);
  return { control: control.fd, second: second.fd };
}

test('says what it wants and has, and serves what it has said to have taken', async () => {
  const dispatcher = await startScriptedDispatcher();
  const { seen } = startLink(dispatcher.path);
  const { control, second } = await attach(dispatcher);
  expect(dispatcher.remotes[0]?.said).toEqual([
    { kind: 'hello', version: 1, maxConnections: 7, ticket: 0 },
    { kind: 'status', taken: 0, open: 0 },
  ]);
  const { fd } = await dispatcher.accept();
  descriptors.send(second, fd);
  descriptors.sendBytes(control, encodeFrame({ kind: 'connection', number: 1, listener: 0 }));
  await eventually('it is served', () => seen.connections.length === 1);
  await eventually('it is said', () => dispatcher.remotes[0]?.said.at(-1)?.kind === 'status');
  expect(dispatcher.remotes[0]?.said.at(-1)).toEqual({ kind: 'status', taken: 1, open: 1 });
  for (const one of [fd, ...seen.connections]) descriptors.close(one);
});

test('does not serve what it can no longer say to have taken, and closes its descriptor', async () => {
  const dispatcher = await startScriptedDispatcher();
  const { seen } = startLink(dispatcher.path);
  const { control, second } = await attach(dispatcher);
  const { client, fd } = await dispatcher.accept();
  descriptors.send(second, fd);
  descriptors.sendBytes(control, encodeFrame({ kind: 'connection', number: 1, listener: 0 }));
  // All of this happens before the link reads anything, as with a worker that hangs.
  descriptors.shutdown(control);
  await eventually('it comes again', () => dispatcher.remotes.filter(({ said }) => said[0]?.kind === 'hello').length === 2);
  expect(seen.connections).toEqual([]);
  descriptors.close(fd);
  await eventually('nobody has the connection any more', () => client.end() === 'ended');
});

test('takes what is on the way before it has left', async () => {
  const dispatcher = await startScriptedDispatcher();
  const { link, seen } = startLink(dispatcher.path);
  const { control, second } = await attach(dispatcher);
  link.leave();
  await eventually('leave', () => dispatcher.remotes[0]?.said.at(-1)?.kind === 'leave');
  const { fd } = await dispatcher.accept();
  descriptors.send(second, fd);
  descriptors.sendBytes(control, encodeFrame({ kind: 'connection', number: 1, listener: 0 }));
  expect(seen.left).toBe(0);
  descriptors.sendBytes(control, encodeFrame({ kind: 'last', number: 1 }));
  await eventually('it has left', () => seen.left === 1);
  expect(seen.connections).toHaveLength(1);
  for (const one of [fd, ...seen.connections]) descriptors.close(one);
});

test('a dispatcher that sends rubbish, or a connection without a descriptor, is left, and tried again', async () => {
  const dispatcher = await startScriptedDispatcher();
  const { seen } = startLink(dispatcher.path);
  const { control } = await attach(dispatcher);
  descriptors.sendBytes(control, encodeFrame({ kind: 'connection', number: 1, listener: 0 }));
  await eventually('it comes again', () => dispatcher.remotes.filter(({ said }) => said[0]?.kind === 'hello').length === 2);
  expect(seen.troubles).toEqual(['connection 1 came without a descriptor']);
  const again = await eventually('again', () => dispatcher.remotes.findLast(({ said }) => said[0]?.kind === 'hello'));
  descriptors.sendBytes(again.fd, new TextEncoder().encode('HTTP/1.1 200 OK\r'));
  await eventually('and again', () => dispatcher.remotes.filter(({ said }) => said[0]?.kind === 'hello').length === 3);
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
