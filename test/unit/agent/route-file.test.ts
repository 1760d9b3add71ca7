import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { systemClock } from '@lars/runtime/clock';
import { readCheckedFile, writeCheckedFile } from '@lars/runtime/durable-file';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RouteFile } from '../../../agent/src/dns/route-file.ts';
import { committedFrames, routeMemoryOf } from '../../../agent/src/dns/route-memory.ts';
import { recordingLog } from '../../support/recording-log.ts';

const KIND = { name: 'agent-routes', version: 1 };
const FRAMES = Uint8Array.from([2, 0, 0, 0, 2, 0, 0, 0, 8, 1]);

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lars-routes-'));
  file = path.join(folder, 'data', 'agent-routes');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function openFile(name = file) {
  const recording = recordingLog();
  const routes = await RouteFile.open(name, { log: recording.log, clock: systemClock, isLinkUp: () => false });
  return { routes, recording };
}

/** As the dns thread does: what it knows is in other memory from now on. */
async function learnAndStop(routes: RouteFile): Promise<void> {
  routes.start();
  routes.onMoved(routeMemoryOf(FRAMES));
  await routes.stop();
}

test('what the memory has when the agent stops is there at the next start', async () => {
  const { routes } = await openFile();
  await learnAndStop(routes);
  const again = await openFile();
  expect(committedFrames(again.routes.memory)).toEqual(FRAMES);
  expect(again.routes.storedAtMs).toBeLessThanOrEqual(systemClock.unixMs());
  expect(again.recording.records).toEqual([]);
});

test('routes that were stored in the future, because the clock was set back, are as old as the start', async () => {
  file = path.join(folder, 'agent-routes');
  await writeCheckedFile(file, KIND, FRAMES, systemClock.unixMs() + 3_600_000);
  const { routes } = await openFile();
  expect(committedFrames(routes.memory)).toEqual(FRAMES);
  expect(routes.storedAtMs).toBeLessThanOrEqual(systemClock.unixMs());
});

test('a change is written while the agent runs', async () => {
  const { routes } = await openFile();
  routes.start();
  routes.onMoved(routeMemoryOf(FRAMES));
  await expect
    .poll(() => readCheckedFile(file, KIND), { timeout: 10_000 })
    .toMatchObject({ isWhole: true, body: Buffer.from(FRAMES) });
  await routes.stop();
});

test('the file and its folder are for their owner and group alone', async () => {
  await learnAndStop((await openFile()).routes);
  const modes = [path.dirname(file), file].map(name => (statSync(name).mode & 0o777).toString(8));
  expect(modes).toEqual(['750', '640']);
});

test('without a file name nothing is written', async () => {
  const { routes } = await openFile('');
  await learnAndStop(routes);
  expect(await readCheckedFile(file, KIND)).toBeUndefined();
});

describe('a file that cannot be used is named once, with the reason and the conf key, and the agent starts without routes:', () => {
  async function refused(bytes: Uint8Array | string) {
    file = path.join(folder, 'agent-routes');
    writeFileSync(file, bytes);
    const { routes, recording } = await openFile();
    expect(committedFrames(routes.memory).length).toBe(0);
    expect(recording.records).toHaveLength(1);
    expect(recording.records[0]).toMatchObject({ level: 'warn', fields: { key: '[agent] routes_file' } });
    expect(recording.records[0]?.event).toContain(file);
    await routes.stop();
    expect(readFileSync(file)).toEqual(Buffer.from(bytes));
    await learnAndStop(routes);
    return { event: recording.records[0]?.event, isReplaced: (await readCheckedFile(file, KIND))?.isWhole === true };
  }

  test('a torn one, which is replaced when there are routes', async () => {
    await writeCheckedFile(path.join(folder, 'whole'), KIND, FRAMES, 1);
    const whole = readFileSync(path.join(folder, 'whole'));
    const { event, isReplaced } = await refused(whole.subarray(0, whole.length - 1));
    expect(event).toMatch(/is torn.*written anew/);
    expect(isReplaced).toBe(true);
  });

  test('an empty one, which is replaced too', async () => {
    expect((await refused('')).isReplaced).toBe(true);
  });

  test("a newer agent's, which is left alone", async () => {
    const newer = path.join(folder, 'newer');
    await writeCheckedFile(newer, { name: 'agent-routes', version: 2 }, FRAMES, 1);
    const { event, isReplaced } = await refused(readFileSync(newer));
    expect(event).toMatch(/newer than this program.*left alone/);
    expect(isReplaced).toBe(false);
  });

  test.each([
    ['of another program', 'SQLite format 3\0'],
    ['of another kind', 'lars agent-unsent 1 0 00000000 1\n'],
  ])('one %s, which is left alone', async (_, text) => {
    expect((await refused(text)).isReplaced).toBe(false);
  });
});

test('a file that cannot be written is named once', async () => {
  const { routes, recording } = await openFile();
  writeFileSync(path.join(folder, 'data'), 'a file where the folder should be');
  await learnAndStop(routes);
  await learnAndStop(routes);
  const complaints = recording.records.filter(({ event }) => event.includes('cannot be written'));
  expect(complaints).toHaveLength(1);
  expect(complaints[0]).toMatchObject({ fields: { key: '[agent] routes_file', error: expect.any(String) } });
});
