/** What every engine does where handlers throw, nothing moves, options are wrong, and when it is closed. */
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import {
  acceptOne,
  afterTest,
  connectRemote,
  describeEngines,
  type LogLine,
  listenWith,
  NotingHandler,
  openEngine,
  type Remote,
} from './reactor-harness.ts';

describeEngines('faults and limits', kind => {
  test('what a handler throws ends its own connection', async () => {
    const lines: LogLine[] = [];
    const engine = await openEngine(kind, lines);
    const handlers: NotingHandler[] = [];
    const listener = await listenWith(engine, connection => {
      const handler = new NotingHandler();
      handlers.push(handler);
      handler.onData = (one, bytes) => {
        const word = Buffer.from(bytes).toString();
        if (word === 'throw') throw new Error('boom');
        if (word === 'reject') return Promise.reject(new Error('boom'));
        one.write(bytes);
        return undefined;
      };
      connection.start(handler);
    });
    const remotes: Remote[] = [];
    for (let at = 0; at < 10; at++) {
      remotes.push(await connectRemote({ port: listener.address.port }));
      await eventually('it is accepted', () => handlers[at]);
    }
    remotes[0]?.socket.write('throw');
    remotes[1]?.socket.write('reject');
    expect(await handlers[0]?.closed()).toBe('handler_error');
    expect(await handlers[1]?.closed()).toBe('handler_error');
    for (const remote of remotes.slice(2)) remote.socket.write('ok');
    await eventually('the others go on', () => remotes.slice(2).every(remote => remote.bytes === 2));
    expect(engine.stats()).toMatchObject({ open: 8, handlerErrors: 2 });
    expect(lines.filter(({ level }) => level === 'error')).toHaveLength(2);
  });

  test('what onAccept throws ends that connection', async () => {
    const engine = await openEngine(kind);
    const listener = await listenWith(engine, () => {
      throw new Error('boom');
    });
    const remote = await connectRemote({ port: listener.address.port });
    await remote.closed();
    await eventually('nothing is open', () => engine.stats().open === 0);
  });

  test.each([0, 1, 2])('one that is reset %i ms after both directions have ended is closed', async afterMs => {
    const { engine, connection, handler, remote } = await acceptOne(kind);
    handler.onEnd = () => undefined;
    remote.socket.end();
    connection.write(Buffer.alloc(1_000));
    connection.end();
    if (afterMs > 0) await new Promise(resolve => setTimeout(resolve, afterMs));
    connection.reset();
    await handler.closed();
    await eventually('nothing is open', () => engine.stats().open === 0);
  });

  test('a silent connection is closed, one that speaks is not', async () => {
    const silent = await acceptOne(kind);
    silent.connection.setIdleTimeout(40);
    expect(await silent.handler.closed()).toBe('idle_timeout');
    const { connection, handler, remote } = await acceptOne(kind);
    connection.setIdleTimeout(400);
    const speaking = setInterval(() => remote.socket.write('x'), 20);
    afterTest(() => clearInterval(speaking));
    await eventually('it has spoken for longer', () => handler.bytes > 30);
    expect(handler.reason).toBeUndefined();
    connection.setIdleTimeout(0);
  });

  test('timers fire once, and not when they are cancelled', async () => {
    const engine = await openEngine(kind);
    const fired: string[] = [];
    engine.after(30, () => fired.push('late'));
    engine.after(0, () => fired.push('early'));
    engine.after(10, () => fired.push('never')).cancel();
    engine.after(5, () => {
      throw new Error('boom');
    });
    await eventually('both have fired', () => fired.length === 2);
    expect(fired).toEqual(['early', 'late']);
    expect(engine.stats().handlerErrors).toBe(1);
  });

  test.each([
    [{ port: 70_000 }, /port is 70000/],
    [{ port: 1, host: 'localhost' }, /host 'localhost' is no IP address/],
    [{ port: 1, path: '/x' }, /either host and port, or path/],
    [{ path: 'x'.repeat(108) }, /path has 108 bytes/],
    [{ port: 1, timeoutMs: -1 }, /timeoutMs is -1/],
    [{ port: 1, writeHighBytes: 0 }, /writeHighBytes is 0/],
    [{ port: 1, writeLimitBytes: -1 }, /writeLimitBytes is -1/],
  ])('connect refuses %j', async (options, message) => {
    const engine = await openEngine(kind);
    const handler = { onConnect: () => undefined, onData: () => undefined };
    expect(() => engine.connect(options, handler)).toThrow(message);
    expect(engine.stats().open).toBe(0);
  });

  test.each([Number.NaN, -1, 2 ** 31])('an idle timeout of %d ms is refused, and not taken for none', async ms => {
    const { connection } = await acceptOne(kind);
    expect(() => connection.setIdleTimeout(ms)).toThrow(`ms is ${ms}, and must be from 0 to 2147483647`);
  });

  test('a string is refused, and does not leave as something else', async () => {
    const { connection, remote } = await acceptOne(kind);
    expect(() => connection.write('hello' as unknown as Uint8Array)).toThrow('write wants bytes, a Uint8Array, and got a string');
    connection.write(Buffer.from('bytes'));
    connection.end();
    await remote.ended();
    expect(remote.received.toString()).toBe('bytes');
  });

  test('a closed engine refuses, and has closed what was open', async () => {
    const { engine, handler, remote } = await acceptOne(kind);
    await engine.close();
    expect(handler.events).toEqual(['close destroyed']);
    await remote.closed();
    await expect(engine.listen({ port: 0 }, () => undefined)).rejects.toMatchObject({ code: 'ENGINE_CLOSED' });
  });
});
