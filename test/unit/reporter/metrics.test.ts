import { expect, test } from 'vitest';
import { reporterCounters, reporterGauges } from '../../../reporter/src/counters.ts';
import { MemoryStatusStore } from '../../../reporter/src/store/memory-status-store.ts';
import { numbered, report, result } from './report-samples.ts';
import { startTestReporter, TestAgent, until } from './reporter-world.ts';

test('GET /metrics shows what was counted and how it stands', async () => {
  const reporter = await startTestReporter({ store: new MemoryStatusStore() });
  const agent = await TestAgent.connect(reporter);
  agent.send(report(), numbered(1, { results: [result(), result({ port: 0 })] }));
  await agent.acked(1);
  await until(() => reporter.stats().queueRows === 0);
  const response = await fetch(`http://127.0.0.1:${reporter.httpPort}/metrics`);
  const lines = (await response.text()).split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      'lars_reporter_reports_total 2',
      'lars_reporter_results_total 3',
      'lars_reporter_rows_skipped_total 1',
      'lars_reporter_acks_total 1',
      'lars_reporter_connections 1',
      'lars_reporter_remembered_counters 1',
      'lars_reporter_paused 0',
      'lars_reporter_database_down 0',
      'lars_reporter_tcp_frames_total 2',
    ]),
  );
  // Every name has a line, a number, and an explanation.
  const names = [...reporterCounters.names.map(name => `${name}_total`), ...reporterGauges.names];
  for (const name of names) {
    const metric = `lars_reporter_${name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)}`;
    expect(lines).toContainEqual(expect.stringMatching(new RegExp(`^${metric} [0-9]+$`)));
    expect(lines).toContainEqual(expect.stringMatching(new RegExp(`^# HELP ${metric} .{10}`)));
  }
});
