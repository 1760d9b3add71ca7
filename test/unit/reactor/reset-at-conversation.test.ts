import { createServer, type Socket } from 'node:net';
import { loadNative } from '@lars/syscalls/native';
import { expect, onTestFinished, test } from 'vitest';
import type { Relay } from '../../../reactor/src/engine.ts';
import { EngineCore } from '../../../reactor/src/engine-core.ts';
import { NativeEngine } from '../../../reactor/src/native/native-engine.ts';
import { bindUring } from '../../../reactor/src/uring/uring-calls.ts';
import { UringSet } from '../../../reactor/src/uring/uring-set.ts';
import { eventually } from '../../support/eventually.ts';
import { nativeKinds } from '../../support/running-engines.ts';

const outcome = await loadNative(bindUring);
const MESSAGE = 20;

test.runIf('bound' in outcome && nativeKinds.includes('io_uring')).each([3, 4, 5, 6])(
  'a reset that comes with bytes right after message %i of a conversation is one for the other side, too',
  async last => {
    const { libc, calls } = (outcome as { readonly bound: ReturnType<typeof bindUring> }).bound;
    let remote: Socket | undefined;
    const server = createServer({ noDelay: true }, socket => {
      remote = socket;
      socket.on('error', () => undefined);
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await eventually('the server listens', () => server.listening);
    const { port } = server.address() as { readonly port: number };
    let relay: Relay | undefined;
    let isOver = false;
    /** Right before the kernel is told to receive what comes behind the last message. */
    const resetBehindLast = () => {
      if (isOver || relay === undefined || relay.bytesBToA < last * MESSAGE) return;
      isOver = true;
      remote?.write(new Uint8Array(50));
      remote?.resetAndDestroy();
    };
    const core = new EngineCore({
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      nowMs: () => performance.now(),
    });
    const watchedCalls: typeof calls = {
      ...calls,
      enter: (...args) => {
        resetBehindLast();
        return calls.enter(...args);
      },
    };
    const engine = new NativeEngine(core, libc, new UringSet(watchedCalls, core), 'io_uring', 'for a test');
    onTestFinished(() => engine.close());
    const ends: string[] = [];
    const front = await engine.listen({ port: 0 }, client => {
      engine.connect(
        { port },
        {
          onConnect: one => {
            relay = engine.relay(client, one, {}, ({ end, by }) => ends.push(`${end} by ${by}`));
          },
          onData: () => undefined,
        },
      );
    });
    let received = 0;
    engine.connect(
      { port: front.address.port },
      {
        onConnect: () => undefined,
        onData: (_, bytes) => {
          received += bytes.length;
          if (received < last * MESSAGE) remote?.write(new Uint8Array(MESSAGE));
        },
      },
    );
    await eventually('the relay is there', () => relay !== undefined && remote !== undefined);
    remote?.write(new Uint8Array(MESSAGE));
    await eventually('the relay is over', () => ends.length === 1);
    expect(ends).toEqual(['reset by b']);
  },
);
