/** What a relay makes of an end that comes right behind bytes. The remotes are bare descriptors: a socket of node:net says that it ends before it resets. */
import type { Connection, EngineKind } from '@lars/reactor';
import { Errno } from '@lars/syscalls/errno';
import { loadNative } from '@lars/syscalls/native';
import { expect, test } from 'vitest';
import type { Endpoint } from '../../reactor/src/check-options.ts';
import { MSG_DONTWAIT, SHUT_WR } from '../../reactor/src/linux/constants.ts';
import { bindLibc, type Libc } from '../../reactor/src/linux/libc.ts';
import { NativeMemory } from '../../reactor/src/linux/memory.ts';
import { Sockets } from '../../reactor/src/linux/sockets.ts';
import { eventually } from '../support/eventually.ts';
import { afterTest, describeEngines, nativeKinds, openEngine, temporaryPath } from './reactor-harness.ts';

const outcome = await loadNative(bindLibc);
const MESSAGE_BYTES = 40;
/** How many messages go to and fro first: what sends them on changes how it receives on the way. */
const TALKS = [0, 1, 2, 3, 4, 5, 6, 7, 10, 20];

/** A descriptor of the test's own. */
class BareRemote {
  received = 0;
  end: 'ended' | 'reset' | undefined;
  readonly #fd: number;
  readonly #libc: Libc;
  readonly #memory: NativeMemory;
  readonly #sockets: Sockets;
  #isClosed = false;

  constructor(fd: number, libc: Libc, memory: NativeMemory, sockets: Sockets) {
    this.#fd = fd;
    this.#libc = libc;
    this.#memory = memory;
    this.#sockets = sockets;
    afterTest(() => this.close());
  }

  say(): void {
    expect(this.#libc.send(this.#fd, this.#memory.outgoingAddress, MESSAGE_BYTES, MSG_DONTWAIT)).toBe(MESSAGE_BYTES);
  }

  /** Takes what is there. @returns true */
  look(): boolean {
    while (this.end === undefined) {
      const count = this.#libc.recv(this.#fd, this.#memory.incomingAddress, MESSAGE_BYTES, MSG_DONTWAIT);
      if (count < 0 && this.#libc.errno() === Errno.EAGAIN) return true;
      if (count > 0) this.received += count;
      else this.end = count === 0 ? 'ended' : 'reset';
    }
    return true;
  }

  finish(): void {
    this.#libc.shutdown(this.#fd, SHUT_WR);
  }

  reset(): void {
    this.#sockets.resetOnClose(this.#fd);
    this.close();
  }

  close(): void {
    if (!this.#isClosed) this.#libc.close(this.#fd);
    this.#isClosed = true;
  }
}

type Place = 'inet' | 'path';

const endpointOf = (place: Place, port: number, path: string): Endpoint =>
  place === 'inet' ? { kind: 'inet', host: '127.0.0.1', port } : { kind: 'path', path };

async function openBareWorld(kind: EngineKind, place: Place) {
  const { bound: libc } = outcome as { readonly bound: Libc };
  const memory = new NativeMemory(libc);
  const sockets = new Sockets(libc, memory);
  const engine = await openEngine(kind);
  const [frontPath, backPath] = [temporaryPath(), temporaryPath()];
  const listening = sockets.openListener(endpointOf(place, 0, backPath), {});
  afterTest(() => libc.close(listening));
  const { port } = sockets.localAddress(listening) ?? { port: 0 };
  const to = place === 'inet' ? { host: '127.0.0.1', port } : { path: backPath };
  const ends: string[] = [];
  const relay = (client: Connection, backend: Connection): void => {
    engine.relay(client, backend, {}, ({ end, by }) => ends.push(`${end} by ${by}`));
  };
  const listener = await engine.listen(place === 'inet' ? { port: 0 } : { path: frontPath }, client => {
    engine.connect(to, { onConnect: backend => relay(client, backend), onData: () => undefined, onClose: () => client.reset() });
  });
  const bare = (fd: number) => new BareRemote(fd, libc, memory, sockets);
  const pair = async () => {
    const client = bare(sockets.openConnection(endpointOf(place, listener.address.port, frontPath), {}, false));
    const accepted = await eventually('the backend accepts', () => {
      const fd = sockets.accept(listening);
      return fd < 0 ? undefined : fd;
    });
    return { client, backend: bare(accepted) };
  };
  return { pair, ends, engine };
}

async function converse(one: BareRemote, other: BareRemote, messages: number): Promise<void> {
  for (let message = 1; message <= messages; message++) {
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      from.say();
      await eventually('the message is there', () => to.look() && to.received === message * MESSAGE_BYTES);
    }
  }
}

describeEngines(
  'an end behind bytes',
  kind => {
    test.runIf('bound' in outcome).each(['client', 'backend'] as const)('a reset of the %s is passed on', async first => {
      const { pair, ends, engine } = await openBareWorld(kind, 'inet');
      for (const [run, messages] of TALKS.entries()) {
        const all = await pair();
        const [one, other] = first === 'client' ? [all.client, all.backend] : [all.backend, all.client];
        await converse(one, other, messages);
        // Both are there when the engine looks next.
        one.say();
        one.reset();
        await eventually(`the other is reset, after ${messages} messages`, () => other.look() && other.end === 'reset');
        await eventually('the relay is over', () => ends.length > run);
        expect(ends.at(-1)).toBe(`reset by ${first === 'client' ? 'a' : 'b'}`);
        other.close();
      }
      await eventually('nothing is open', () => engine.stats().open === 0);
    });

    test.runIf('bound' in outcome).each(['client', 'backend'] as const)(
      'an end and a reset of the %s, both at once, end the relay',
      async first => {
        const { pair, ends, engine } = await openBareWorld(kind, 'inet');
        for (const [run, messages] of TALKS.entries()) {
          for (const saysMore of [false, true]) {
            const all = await pair();
            const [one, other] = first === 'client' ? [all.client, all.backend] : [all.backend, all.client];
            await converse(one, other, messages);
            if (saysMore) one.say();
            one.finish();
            one.reset();
            await eventually(`the relay is over, after ${messages} messages`, () => ends.length > 2 * run + Number(saysMore));
            expect(ends.at(-1)).toMatch(new RegExp(`^(reset|network_error) by ${first === 'client' ? 'a' : 'b'}$`));
            await eventually('the other knows', () => other.look() && other.end !== undefined);
            other.close();
          }
        }
        await eventually('nothing is open', () => engine.stats().open === 0);
      },
    );

    test.runIf('bound' in outcome).each([
      ['inet', 'client'],
      ['inet', 'backend'],
      ['path', 'client'],
      ['path', 'backend'],
    ] as const)('an orderly end (%s, %s) is passed on behind them', async (place, first) => {
      const { pair, ends, engine } = await openBareWorld(kind, place);
      for (const [run, messages] of TALKS.entries()) {
        const all = await pair();
        const [one, other] = first === 'client' ? [all.client, all.backend] : [all.backend, all.client];
        await converse(one, other, messages);
        one.say();
        one.finish();
        await eventually(`the other is told, after ${messages} messages`, () => other.look() && other.end === 'ended');
        expect(other.received).toBe((messages + 1) * MESSAGE_BYTES);
        other.close();
        await eventually('the relay is over', () => ends.length > run);
        one.close();
      }
      await eventually('nothing is open', () => engine.stats().open === 0);
    });
  },
  nativeKinds,
);
