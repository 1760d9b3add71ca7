import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LarsClient } from '@lars/client-sdk';
import { expect, test } from 'vitest';
import { AgentWatch } from '../../../proxy/src/agent-watch.ts';
import { writeAgentRoutes } from '../../support/agent-routes-file.ts';
import { recordingLog } from '../../support/recording-log.ts';

test('a file of routes that is not there or broken is told at the start, by its name, and when it is of use again', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'lars-watch-'));
  const file = path.join(folder, 'agent-routes');
  const client = new LarsClient({ ports: 1, routesFile: file, timeoutMs: 50 });
  const { log, records } = recordingLog();
  const watch = new AgentWatch('127.0.0.1:1', { client, log });
  watch.look();
  expect(records).toEqual([]);
  await watch.askForModules([], () => false);
  writeFileSync(file, 'rubbish');
  expect(await client.checkRoutesFile()).toContain('was not written by LARS');
  watch.look();
  watch.look();
  writeAgentRoutes(file, []);
  expect(await client.checkRoutesFile()).toBeUndefined();
  watch.look();
  expect(records.map(({ event, fields }) => [event.split(':')[0], fields['problem']])).toEqual([
    ["the file of the agent's routes is of no use", expect.stringMatching(/agent-routes cannot be read: ENOENT/)],
    ["the file of the agent's routes is of no use", expect.stringMatching(/agent-routes was not written by LARS/)],
    ["the file of the agent's routes is of use again", undefined],
  ]);
  await client.close();
  rmSync(folder, { recursive: true });
});
