import { describe, expect, test } from 'vitest';
import { MemoryStatusStore } from '../../../reporter/src/store/memory-status-store.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { NOW_SEC, numbered, report, result } from './report-samples.ts';
import { startTestReporter, TestAgent, until } from './reporter-world.ts';

/** A reporter whose store fails in one use until it is mended. */
async function brokenWorld(use: 'write' | 'lastSeqs' | 'prune') {
  const store = new MemoryStatusStore();
  const breakage = { mended: false };
  store.before = used => {
    if (used === use && !breakage.mended) throw new Error('disk full');
  };
  const { log, records } = recordingLog();
  const reporter = await startTestReporter({ store, log });
  const health = async () => {
    const response = await fetch(`http://127.0.0.1:${reporter.httpPort}/healthz`);
    return { code: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const troubles = () =>
    records.filter(record => record.level !== 'info').map(({ level, event, fields }) => ({ level, event, fields }));
  return { store, breakage, reporter, records, troubles, health, agent: await TestAgent.connect(reporter) };
}

describe('the database does not take a batch', () => {
  test('the batch is tried again until it is stored, then acknowledged, and counted once', async () => {
    const { store, breakage, reporter, agent } = await brokenWorld('write');
    agent.send(numbered(1, { results: [result({ succ: 5 })] }));
    await until(() => reporter.counters.get('flushErrors') >= 3);
    agent.send(numbered(2, { results: [result({ succ: 1 })] }));
    await until(() => reporter.counters.get('reports') === 2);
    expect(agent.acks).toEqual([]);
    breakage.mended = true;
    await agent.acked(2);
    expect(await store.readHistory({ modid: 1, cmdid: 2, fromSec: 0, toSec: 2 * NOW_SEC })).toMatchObject([
      { succ: 6, reports: 2 },
    ]);
  });

  test('the outage is logged once, and its end', async () => {
    const { breakage, reporter, agent, troubles, records } = await brokenWorld('write');
    agent.send(numbered(1));
    await until(() => reporter.counters.get('flushErrors') >= 5);
    breakage.mended = true;
    await agent.acked(1);
    expect(troubles()).toEqual([
      { level: 'error', event: 'storing reports fails, retrying until it works', fields: { error: 'disk full' } },
    ]);
    expect(records.at(-1)).toMatchObject({ level: 'info', event: 'storing reports works again' });
  });

  test('health says so, and remembers', async () => {
    const { breakage, reporter, agent, health } = await brokenWorld('write');
    expect((await health()).body).toMatchObject({ status: 'ok', details: { lastError: 'none', queueRows: 0 } });
    agent.send(numbered(1));
    await until(() => reporter.counters.get('flushErrors') >= 1);
    expect(await health()).toMatchObject({
      code: 200,
      body: { status: 'degraded', details: { outage: 'storing reports fails: disk full', queueRows: 3, rowsStored: 0 } },
    });
    breakage.mended = true;
    await agent.acked(1);
    const { body } = await health();
    expect(body).toMatchObject({
      status: 'ok',
      details: { lastError: 'disk full', queueRows: 0, rowsStored: 3, database: 'memory' },
    });
    expect(body['details']).not.toHaveProperty('outage');
    expect(body['details']).toMatchObject({ tcp: `127.0.0.1:${reporter.tcpPort}` });
  });
});

describe('the database does not answer what it has of an agent', () => {
  test('its reports wait, others are stored; then they count', async () => {
    const { store, breakage, reporter, agent, troubles } = await brokenWorld('lastSeqs');
    agent.send(numbered(1, { results: [result({ succ: 5 })] }));
    await until(() => reporter.counters.get('lookupErrors') >= 3);
    const other = await TestAgent.connect(reporter);
    other.send(report({ cmdid: 3 }));
    await until(() => reporter.counters.get('flushes') === 1);
    expect(agent.acks).toEqual([]);
    expect(reporter.stats()).toMatchObject({ outage: 'looking up agents fails: disk full', parkedResults: 2 });
    breakage.mended = true;
    await agent.acked(1);
    expect(await store.readStatus(1, 2)).toMatchObject([{ succ: 5 }]);
    expect(reporter.stats()).toMatchObject({ outage: undefined, parkedResults: 0 });
    expect(troubles()).toHaveLength(1);
  });

  test('reports of an agent that has hung up meanwhile count too, and it is not kept in memory', async () => {
    const { store, breakage, reporter, agent } = await brokenWorld('lastSeqs');
    agent.send(numbered(1, { results: [result({ succ: 5 })] }));
    await until(() => reporter.counters.get('reports') === 1);
    agent.socket.resetAndDestroy();
    // A connection that is not read from is noticed to be gone when the network says so.
    await until(() => reporter.stats().connections === 0);
    breakage.mended = true;
    await until(() => reporter.counters.get('flushes') === 1);
    expect(await store.readStatus(1, 2)).toMatchObject([{ succ: 5 }]);
    expect(reporter.stats()).toMatchObject({ agents: 0, parkedResults: 0 });
  });
});

test('old history that cannot be removed makes health degraded', async () => {
  const { reporter, troubles } = await brokenWorld('prune');
  await until(() => reporter.counters.get('pruneErrors') === 1);
  expect(reporter.stats().outage).toBe('removing old history fails: disk full');
  expect(troubles()).toHaveLength(1);
});
