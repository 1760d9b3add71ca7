/** The HTTP port of a process that has taken over, while the process before has it still. */
import { HttpAfterPredecessor } from '@lars/runtime/http/after-predecessor';
import type { HealthServer } from '@lars/runtime/http/health-server';
import { expect, test } from 'vitest';
import { recordingLog } from '../../../support/recording-log.ts';

/** All that needs no time has happened. */
const settled = () => new Promise(resolve => setImmediate(resolve));

/** A port that is taken until `free`, and time that passes when the test says so. */
function takenPort() {
  const { log, events } = recordingLog();
  const world = { isTaken: true, tries: 0, open: 0, events };
  let tick = Promise.withResolvers<void>();
  const pass = async () => {
    await settled();
    tick.resolve();
    tick = Promise.withResolvers();
    await settled();
  };
  const start = async (): Promise<HealthServer> => {
    world.tries += 1;
    if (world.isTaken) throw new Error('taken');
    world.open += 1;
    const close = async () => {
      world.open -= 1;
    };
    return { ip: '127.0.0.1', port: 7_783, close };
  };
  const wait = () => tick.promise;
  const opening = HttpAfterPredecessor.open({ ip: '127.0.0.1', port: 7_000, confKey: 'port' }, { log, start, wait });
  return { world, pass, opening };
}

const FIRST_TRIES = 50;

test('is opened as soon as it is free, without a word', async () => {
  const { world, pass, opening } = takenPort();
  await pass();
  world.isTaken = false;
  await pass();
  const http = await opening;
  expect([http.port, world.open, world.events()]).toEqual([7_783, 1, []]);
  await http.close();
  expect(world.open).toBe(0);
});

test('the start does not wait for ever, and the port is served when it is free, however late that is', async () => {
  const { world, pass, opening } = takenPort();
  for (let at = 1; at < FIRST_TRIES; at++) await pass();
  const http = await opening;
  expect([http.port, world.tries, world.events()]).toEqual([
    7_000,
    FIRST_TRIES,
    ['port is not served yet, and tried again each second'],
  ]);
  for (let at = 0; at < 100; at++) await pass();
  expect([world.tries, world.events().length]).toEqual([FIRST_TRIES + 100, 1]);
  world.isTaken = false;
  await pass();
  expect([http.port, world.open, world.events().at(-1)]).toEqual([7_783, 1, 'port is served now']);
  await pass();
  expect(world.tries).toBe(FIRST_TRIES + 101);
  await http.close();
  expect(world.open).toBe(0);
});

test('one that is closed tries no more', async () => {
  const { world, pass, opening } = takenPort();
  for (let at = 1; at < FIRST_TRIES; at++) await pass();
  await (await opening).close();
  world.isTaken = false;
  await pass();
  await pass();
  expect([world.tries, world.open]).toEqual([FIRST_TRIES, 0]);
});
