/** What every engine does where a remote is gone while its bytes are answered. A UNIX socket's is gone at once, and what it has sent stays to be read. */
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { connectRemote, describeEngines, listenWith, NotingHandler, openEngine, temporaryPath } from './reactor-harness.ts';

const BLOCKING_BYTES = 2 ** 20;
const LAST_BYTES = 150_000;

/** Stops where a write returns false, as the page of the reactor says, and goes on where it is told to. */
class Echo extends NotingHandler {
  goesOn = true;
  hasStopped = false;
  answered = 0;

  override onData: NotingHandler['onData'] = (connection, bytes) => {
    this.answered += bytes.length;
    if (connection.write(bytes)) return;
    this.hasStopped = true;
    connection.pause();
  };

  override onDrain: NotingHandler['onDrain'] = connection => {
    if (this.goesOn) connection.resume();
  };
}

describeEngines('a remote that is gone', kind => {
  test.each([true, false])('a handler that waits for onDrain hears of it (it resumes then: %s)', async resumes => {
    const engine = await openEngine(kind);
    const handler = new Echo();
    const path = temporaryPath();
    await listenWith(engine, connection => connection.start(handler), { path });
    const remote = await connectRemote({ path });
    // From here on the engine waits for room to send, and is told of it, as of a break, once.
    remote.socket.pause();
    remote.socket.write(new Uint8Array(BLOCKING_BYTES));
    await eventually('the handler has to stop', () => handler.hasStopped);
    remote.socket.resume();
    await eventually('all is answered', () => remote.bytes === BLOCKING_BYTES);
    handler.goesOn = resumes;
    // Both in one turn of this thread: the engine finds the bytes when the remote is gone already.
    remote.socket.write(new Uint8Array(LAST_BYTES));
    remote.socket.destroy();
    await eventually('it is closed', () => engine.stats().open === 0);
    expect(handler.reason).toBe('reset');
    // Node:net gives up what was not read with the write.
    if (resumes && kind !== 'node') expect(handler.answered).toBe(BLOCKING_BYTES + LAST_BYTES);
  });
});
