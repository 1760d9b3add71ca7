import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { openSqliteStatusStore } from '../../../reporter/src/store/sqlite-status-store.ts';
import { seededRandom, testSeed } from '../../support/seeded-random.ts';
import { numbered, result } from './report-samples.ts';
import { TestAgent } from './reporter-world.ts';
import { temporaryFile } from './temporary-file.ts';

const PROGRAM = `
  import { recordLogger } from '@lars/runtime/log';
  import { loadConfig } from '@lars/runtime/config/config';
  import { reporterConfigTable, startReporter } from '${new URL('../../../reporter/src/index.ts', import.meta.url).href}';
  const config = loadConfig(reporterConfigTable, { path: 'test', text: process.argv[1] });
  const reporter = await startReporter(config, { log: recordLogger(() => {}) });
  console.log(reporter.tcpPort);`;

/** A reporter in a process of its own. */
async function startProcess(file: string): Promise<{ readonly process: ChildProcess; readonly tcpPort: number }> {
  const conf = `[tcp]\nport = 0\n[http]\nport = 0\n[database]\nfile = ${file}\n[queue]\nflush_interval = 1\nbatch_max_rows = 20\n`;
  const child = spawn(process.execPath, ['--conditions=source', '--input-type=module', '-e', PROGRAM, conf], {
    cwd: new URL('../../..', import.meta.url),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const [port] = await once(createInterface({ input: child.stdout }), 'line');
  return { process: child, tcpPort: Number(port) };
}

const seed = testSeed();
test(`a reporter that is killed has stored what it acknowledged, and counts nothing twice (seed ${seed})`, async () => {
  const random = seededRandom(seed);
  const file = temporaryFile('lars.db');
  const PER_ROUND = 1_000;
  const ROUNDS = 4;
  let acked = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    const last = round * PER_ROUND;
    const reporter = await startProcess(file);
    const agent = new TestAgent(reporter.tcpPort);
    onTestFinished(() => {
      agent.socket.destroy();
    });
    // From the first one on that was not acknowledged. The rows of a few reports fill a batch.
    for (let seq = acked + 1; seq <= last; seq++) {
      agent.send(numbered(seq, { results: [result({ port: 1 + (seq % 50), succ: seq })] }));
    }
    await agent.acked(round === ROUNDS ? last : acked + 1 + Math.floor((last - acked) * random()));
    reporter.process.kill('SIGKILL');
    await agent.closed;
    acked = Math.max(acked, ...agent.acks.map(ack => ack.seq));

    const store = await openSqliteStatusStore({ file, confKey: '[database] file' });
    const stored = (await store.lastSeqs(['agent-1'])).get('agent-1') ?? 0;
    expect(stored).toBeGreaterThanOrEqual(acked);
    // The history may lie in more than one minute.
    const history = await store.readHistory({ modid: 1, cmdid: 2, fromSec: 0, toSec: 2 ** 40 });
    expect(history.reduce((sum, row) => sum + row.succ, 0)).toBe((stored * (stored + 1)) / 2);
    expect(history.reduce((sum, row) => sum + row.reports, 0)).toBe(stored);
    await store.close();
  }
  expect(acked).toBe(ROUNDS * PER_ROUND);
}, 60_000);
