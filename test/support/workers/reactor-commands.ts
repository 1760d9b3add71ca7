/** A handler of a reactor server: it does what each line says, and answers. */
import type { Connection, Engine, HandlerFactory, PoolError, ReactorContext } from '@lars/reactor';
import { LineSplitter } from '@lars/reactor';

export interface CommandData {
  readonly gate: Int32Array;
}

const decoder = new TextDecoder();

export function createHandler({ engine, thread, data, runInPool }: ReactorContext): HandlerFactory {
  return (connection, listener) => {
    const lines = new LineSplitter(1_000);
    const say = (text: string) => connection.write(new TextEncoder().encode(`${text}\n`));
    const obey = (line: string): unknown => {
      if (line === 'who') say(`thread ${thread} listener ${listener} data ${JSON.stringify(data)}`);
      else if (line === 'boom') throw new Error('boom');
      else if (line === 'reject') return Promise.reject(new Error('rejected'));
      else if (line === 'bye') connection.end();
      else if (line === 'die') setImmediate(() => process.exit(7));
      else if (line === 'end and die') {
        connection.destroy();
        process.exit(7);
      } else if (line === 'throw outside') setTimeout(() => Promise.reject('a string'));
      else if (line === 'close engine') {
        return engine.close().catch(({ message }: Error) => say(message));
      } else if (line.startsWith('call ')) {
        return openAll(engine, Number(line.slice(5))).then(() => say('called'));
      } else if (line === 'block') {
        // The whole thread, until the test opens the gate.
        Atomics.wait((data as CommandData).gate, 0, 0);
        say('blocked');
      } else if (line.startsWith('pool ')) {
        const [, task = '', input] = line.split(' ');
        return runInPool(task, input ?? (data as CommandData).gate).then(
          value => say(`${task} ${value}`),
          (error: PoolError) => say(`${error.code} ${error.message}`),
        );
      } else say(`echo ${line}`);
      return undefined;
    };
    return {
      onData: (_, bytes) => {
        const results: unknown[] = [];
        if (!lines.push(bytes, line => results.push(obey(decoder.decode(line))))) connection.reset();
        return Promise.all(results);
      },
    };
  };
}

/** All that an engine can have: a listener, and two connections whose relay splices what their remotes say. */
async function openAll(engine: Engine, port: number): Promise<void> {
  await engine.listen({ port: 0 }, () => undefined);
  const connect = () =>
    new Promise<Connection>(resolve => engine.connect({ port }, { onConnect: resolve, onData: () => undefined }));
  const [a, b] = await Promise.all([connect(), connect()]);
  const relay = engine.relay(a, b, { splice: 'always' }, () => undefined);
  while (relay.bytesAToB + relay.bytesBToA < 2) await new Promise(resolve => setTimeout(resolve, 1));
}
