import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { encodeFrame, MessageId } from '@lars/proto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ReporterFiles } from '../../../agent/src/report/reporter-files.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { CALLER, statusReport } from './outbox-world.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lars-reporter-files-'));
  file = path.join(folder, 'unsent');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const ONE = { host: '10.0.0.1', port: 7779 };
const OTHER = { host: '::1', port: 99 };
const frame = (agent: string) =>
  encodeFrame(MessageId.ReportStatusRequest, { ...statusReport(1), caller: CALLER, seq: 1, agent });
const files = (servers: readonly { readonly host: string; readonly port: number }[], server = 0) =>
  new ReporterFiles(file, servers, server, recordingLog().log);
const agents = async (of: ReporterFiles) => [...(await of.read()).keys()];

describe('of several reporters each has files of its own', () => {
  test('with its address in the name, whatever its place in the list', async () => {
    await files([ONE, OTHER], 0).write([frame('for one')]);
    await files([ONE, OTHER], 1).write([frame('for other')]);
    expect(readdirSync(folder).sort()).toEqual(['unsent.10.0.0.1_7779', 'unsent.___1__99']);
    expect(await agents(files([OTHER, ONE], 0))).toEqual(['for other']);
    expect(await agents(files([OTHER, ONE], 1))).toEqual(['for one']);
  });

  test('and which acknowledges is known of each', async () => {
    await files([ONE, OTHER], 1).noteReporter();
    expect(await files([OTHER, ONE], 0).knowsReporter()).toBe(true);
    expect(await files([OTHER, ONE], 1).knowsReporter()).toBe(false);
  });
});

describe('when the conf gets a second reporter', () => {
  test('the first one gets what was kept while it was alone, and is known to acknowledge; both files go when all is delivered', async () => {
    const alone = files([ONE]);
    await alone.write([frame('alone')]);
    await alone.noteReporter();
    const first = files([ONE, OTHER], 0);
    await first.write([frame('later')]);
    expect(await agents(first)).toEqual(['alone', 'later']);
    expect(await agents(files([ONE, OTHER], 1))).toEqual([]);
    expect(await first.knowsReporter()).toBe(true);
    await first.remove();
    expect(readdirSync(folder)).toEqual(['unsent.reporter']);
  });

  test('and loses it again, what is owed to the one that stays is still known', async () => {
    await files([ONE, OTHER], 0).write([frame('of two')]);
    expect(await agents(files([ONE]))).toEqual(['of two']);
  });
});

test('what a run keeps at its end is not taken for what earlier ones left, also when that is removed at the same time', async () => {
  await files([ONE]).write([frame('earlier')]);
  const next = files([ONE]);
  await next.read();
  const removed = next.removeEarlier();
  expect(await next.write([frame('own')])).toBe(1);
  await removed;
  await next.removeEarlier();
  expect(await agents(files([ONE]))).toEqual(['own']);
});

test('without a file nothing is kept', async () => {
  const none = new ReporterFiles('', [ONE, OTHER], 1, recordingLog().log);
  expect([none.isUsable, await none.write([frame('a')]), await agents(none)]).toEqual([false, 0, []]);
  expect(readdirSync(folder)).toEqual([]);
});
