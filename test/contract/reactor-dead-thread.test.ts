/** A thread dies with its engine open: another one releases what that had, and nothing else. */
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { closeLeft, createEngine, ResourceLedger } from '@lars/reactor';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { descriptorsHere } from '../support/scripted-worker.ts';
import type { DyingThread } from '../support/workers/dying-thread.ts';
import { afterTest, describeEngines, nativeKinds, openEngine } from './reactor-harness.ts';

const THREAD = new URL('../support/workers/dying-thread.ts', import.meta.url);
const CLIENTS = 9;

/** More than sockets and pipes between two keep. */
const BULK_BYTES = 2 ** 24;

const FOLDER = '/proc/self/fd';
const openFiles = (): number => readdirSync(FOLDER).length;
const openPipes = (): number => readdirSync(FOLDER).filter(isPipe).length;
/** Memory that is shared with the kernel. */
const ringMappings = (): number => readFileSync('/proc/self/maps', 'utf8').split('[io_uring]').length - 1;

/** The descriptor by which the folder was read is closed already. */
function isPipe(fd: string): boolean {
  try {
    return readlinkSync(`${FOLDER}/${fd}`).startsWith('pipe:');
  } catch {
    return false;
  }
}

/** Says how it ended. */
function endOf(socket: Socket): () => string {
  let end = 'open';
  socket.on('error', (error: NodeJS.ErrnoException) => {
    end = error.code ?? error.message;
  });
  socket.on('end', () => {
    if (end === 'open') end = 'ended';
  });
  socket.resume();
  return () => end;
}

describeEngines(
  'an engine whose thread has died',
  kind => {
    test('its connections are reset, and nothing of it stays open or mapped', async () => {
      const descriptors = await descriptorsHere();
      const own = await openEngine('epoll');
      const ends: string[] = [];
      // It does not read, so that bytes stand in pipes of the relays.
      const remote = await own.listen({ port: 0 }, connection => {
        connection.start({ onData: () => undefined, onClose: (_, reason) => ends.push(reason) });
        connection.pause();
      });
      const ledger = new ResourceLedger();
      const before = { files: openFiles(), pipes: openPipes(), mappings: ringMappings() };
      const data: DyingThread = { kind, ledger: ledger.buffer, remotePort: remote.address.port };
      const worker = new Worker(THREAD, { workerData: data });
      const messages: unknown[] = [];
      worker.on('message', message => messages.push(message));
      await eventually('it listens', () => messages.length === 1);
      const { port } = messages.shift() as { readonly port: number };
      const clients = Array.from({ length: CLIENTS }, () => connect({ port, host: '127.0.0.1' }));
      afterTest(() => clients.map(client => client.destroy()));
      const told = clients.map(endOf);
      await eventually('all are there', () => messages.length === (2 * CLIENTS) / 3);
      const given = messages.filter(message => typeof message === 'number');
      expect(given).toHaveLength(CLIENTS / 3);
      for (const client of clients) client.write(new Uint8Array(BULK_BYTES));
      await eventually('pipes are in use', () => openPipes() > before.pipes);
      await worker.terminate();
      expect(told.map(end => end())).toEqual(Array.from({ length: CLIENTS }, () => 'open'));
      // Two of each relay.
      expect(closeLeft(ledger, { engine: own, descriptors })).toBe(CLIENTS);
      await eventually(
        'those that it had are reset',
        () => told.filter(end => end() === 'ECONNRESET').length === (2 * CLIENTS) / 3,
      );
      await eventually('the remote of its relays is told', () => ends.length === CLIENTS / 3);
      expect(ends).toEqual(ends.map(() => 'reset'));
      // What it had given away is the other's.
      expect(told.filter(end => end() === 'open')).toHaveLength(CLIENTS / 3);
      for (const fd of given) descriptors.close(fd);
      for (const client of clients) client.destroy();
      await eventually('no descriptor has stayed', () => openFiles() <= before.files);
      expect(ringMappings()).toBe(before.mappings);
      expect(closeLeft(ledger, { engine: own, descriptors })).toBe(0);
    });

    test('what it has closed by itself is in no ledger, nor is what was there before', async () => {
      const ledger = new ResourceLedger();
      const engine = await createEngine({ kind }, { ledger });
      afterTest(() => engine.close());
      const listener = await engine.listen({ port: 0 }, connection =>
        connection.start({ onData: (_, bytes) => void connection.write(bytes) }),
      );
      const { port } = listener.address;
      for (let round = 0; round < 3; round++) {
        const client = connect({ port, host: '127.0.0.1' });
        client.write('hello');
        await once(client, 'data');
        client.destroy();
      }
      await listener.close();
      // The set, or the ring.
      await eventually('nothing else is left', () => new ResourceLedger(ledger.buffer.slice(0)).takeAll().fds.length === 1);
      await engine.close();
      expect(ledger.takeAll()).toEqual({ fds: [], mappings: [] });
    });
  },
  nativeKinds,
);
