import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { MemoryStatusStore } from '../../../reporter/src/store/memory-status-store.ts';
import { openSqliteStatusStore } from '../../../reporter/src/store/sqlite-status-store.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { NOW_SEC, numbered, report, result } from './report-samples.ts';
import { Gate, startTestReporter, TestAgent, until } from './reporter-world.ts';
import { temporaryFile } from './temporary-file.ts';

const STOP_MAX_MS = 1_000;

async function timed(work: Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work;
  return performance.now() - startMs;
}

describe('stopping', () => {
  test('stores what is queued, tells the agents, closes their connections', async () => {
    const file = temporaryFile('lars.db');
    const conf = `[database]\nfile = ${file}\n[queue]\nflush_interval = 60000\nbatch_max_rows = 10\n`;
    const reporter = await startTestReporter({ conf });
    const [agent, old] = [await TestAgent.connect(reporter), await TestAgent.connect(reporter)];
    agent.send(...[1, 2, 3].map(seq => numbered(seq, { results: [result({ succ: seq })] })));
    old.send(report({ modid: 5, results: [result({ succ: 7 })] }));
    await until(() => reporter.stats().queueReports === 4);
    expect(await timed(reporter.stop())).toBeLessThan(STOP_MAX_MS);
    await Promise.all([agent.closed, old.closed]);
    expect(agent.acks).toEqual([{ agent: 'agent-1', seq: 3 }]);
    const store = await openSqliteStatusStore({ file, confKey: '[database] file' });
    expect(await store.readHistory({ modid: 1, cmdid: 2, fromSec: 0, toSec: 2 * NOW_SEC })).toMatchObject([{ succ: 6 }]);
    expect(await store.readStatus(5, 2)).toMatchObject([{ succ: 7 }]);
    await store.close();
  });

  test('waits for the batch that is being written', async () => {
    const store = new MemoryStatusStore();
    const gate = new Gate();
    let begun = false;
    store.before = use => {
      if (use !== 'write') return;
      begun = true;
      return gate.opened;
    };
    const reporter = await startTestReporter({ store });
    const agent = await TestAgent.connect(reporter);
    agent.send(numbered(1, { results: [result({ succ: 5 })] }));
    await until(() => begun);
    agent.send(numbered(2, { results: [result({ succ: 1 })] }));
    await until(() => reporter.counters.get('reports') === 2);
    const stopped = reporter.stop();
    gate.open();
    await stopped;
    await agent.closed;
    expect(agent.acks.at(-1)).toEqual({ agent: 'agent-1', seq: 2 });
    expect(await store.readHistory({ modid: 1, cmdid: 2, fromSec: 0, toSec: 2 * NOW_SEC })).toMatchObject([
      { succ: 6, reports: 2 },
    ]);
  });

  test('tries a database that is busy for a moment again', async () => {
    const store = new MemoryStatusStore();
    let failures = 0;
    store.before = use => {
      if (use === 'write' && failures++ < 3) throw new Error('busy');
    };
    const reporter = await startTestReporter({ store, conf: '[queue]\nflush_interval = 60000\n' });
    const agent = await TestAgent.connect(reporter);
    agent.send(numbered(1));
    await until(() => reporter.stats().queueReports === 1);
    await reporter.stop();
    await agent.closed;
    expect(agent.acks).toEqual([{ agent: 'agent-1', seq: 1 }]);
  });

  test.each([
    { what: 'refuses', before: () => Promise.reject(new Error('disk full')) },
    { what: 'does not answer', before: () => new Promise<void>(() => {}) },
  ])('takes no longer when the database $what: what is not stored is not acknowledged, and logged', async ({ before }) => {
    const store = new MemoryStatusStore();
    store.before = use => (use === 'write' ? before() : undefined);
    const { log, records } = recordingLog();
    const reporter = await startTestReporter({ store, log });
    const agent = await TestAgent.connect(reporter);
    agent.send(numbered(1), numbered(2));
    await until(() => reporter.stats().queueReports === 2);
    expect(await timed(reporter.stop())).toBeLessThan(STOP_MAX_MS);
    await agent.closed;
    expect(agent.acks).toEqual([]);
    expect(records.at(-1)).toMatchObject({ level: 'error', fields: { reports: 2 } });
  });

  test('takes no longer when agents go on sending and the queue is full', async () => {
    const store = new MemoryStatusStore();
    store.before = use => (use === 'write' ? new Promise<void>(() => {}) : undefined);
    const reporter = await startTestReporter({ store, conf: '[queue]\nflush_interval = 1\nmax_rows = 10\n' });
    const agent = await TestAgent.connect(reporter);
    agent.send(...Array.from({ length: 20_000 }, (_, i) => numbered(i + 1)));
    await until(() => reporter.stats().paused);
    expect(await timed(reporter.stop())).toBeLessThan(STOP_MAX_MS);
    await agent.closed;
  });

  test('reads nothing more, though there is room again', async () => {
    const store = new MemoryStatusStore();
    const gate = new Gate();
    // Many small batches, and between them time for what the agent sends.
    store.before = async use => {
      if (use !== 'write') return;
      await gate.opened;
      await new Promise(resolve => setTimeout(resolve, 1));
    };
    const reporter = await startTestReporter({
      store,
      conf: '[queue]\nflush_interval = 1\nmax_rows = 2000\nbatch_max_rows = 200\n',
    });
    const agent = await TestAgent.connect(reporter);
    agent.send(...Array.from({ length: 20_000 }, (_, i) => numbered(i + 1, { results: [result({ port: i + 1 })] })));
    await until(() => reporter.stats().paused);
    const stopped = reporter.stop();
    const read = reporter.counters.get('reports');
    gate.open();
    await stopped;
    expect(reporter.counters.get('reports')).toBe(read);
    expect(await store.lastSeqs(['agent-1'])).toEqual(new Map([['agent-1', read]]));
  });

  test('may be asked for twice', async () => {
    const reporter = await startTestReporter({ store: new MemoryStatusStore() });
    await Promise.all([reporter.stop(), reporter.stop()]);
    await reporter.stop();
  });

  test('nobody is taken in any more', async () => {
    const store = new MemoryStatusStore();
    const gate = new Gate();
    store.before = use => (use === 'write' ? gate.opened : undefined);
    const reporter = await startTestReporter({ store });
    const agent = await TestAgent.connect(reporter);
    agent.send(numbered(1));
    await until(() => reporter.stats().queueReports === 1);
    const stopped = reporter.stop();
    const late = await TestAgent.connect(reporter);
    late.send(numbered(1, { agent: 'agent-2' }));
    await late.closed;
    // The agent that was there before is still waiting for its acknowledgement.
    expect(reporter.stats().connections).toBe(1);
    gate.open();
    await stopped;
    expect(await store.lastSeqs(['agent-1', 'agent-2'])).toEqual(new Map([['agent-1', 1]]));
  });
});

describe('starting', () => {
  test.each(['tcp', 'http'])('names the [%s] port that is taken, and leaves nothing open', async section => {
    const first = await startTestReporter({ store: new MemoryStatusStore() });
    const port = section === 'tcp' ? first.tcpPort : first.httpPort;
    const file = temporaryFile('lars.db');
    const other = section === 'tcp' ? 'http' : 'tcp';
    const conf = `[${section}]\nport = ${port}\n[${other}]\nport = 0\n[database]\nfile = ${file}\n`;
    await expect(startTestReporter({ conf, ports: '' })).rejects.toMatchObject({
      name: 'StartupError',
      message: expect.stringContaining(`127.0.0.1:${port} (conf key [${section}] port) is taken`),
    });
  });

  test('names the file that cannot be used', async () => {
    const noFolder = temporaryFile('plain');
    writeFileSync(noFolder, '');
    const file = `${noFolder}/lars.db`;
    const conf = `[database]\nfile = ${file}\n`;
    await expect(startTestReporter({ conf })).rejects.toMatchObject({
      name: 'StartupError',
      message: expect.stringContaining(`database ${file} (conf key [database] file) cannot be opened`),
    });
  });
});
