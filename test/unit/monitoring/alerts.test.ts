/** The alerts of conf/prometheus: what promtool says of them, each played with a fault and without, and a page for each. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { hasPrograms } from '../../support/needed-programs.ts';
import { ALERT_CASES, type AlertCase } from './alert-cases.ts';

const ROOT = path.join(import.meta.dirname, '../../..');
const RULES = path.join(ROOT, 'conf/prometheus/alerts.yml');
const RUNBOOKS = path.join(ROOT, 'docs/runbooks');
const ALERTS = readFileSync(RULES, 'utf8')
  .split('- alert: ')
  .slice(1)
  .map(rule => ({ alert: /^\w+/.exec(rule)?.[0] ?? '', runbook: /runbook_url: (\S+)/.exec(rule)?.[1] ?? '' }));
const SECTIONS = ['What it means', 'What users feel', 'Where to look', 'What to do', 'When it is harmless'];

test('every alert is played, and nothing else is', () => {
  expect(ALERTS.length).toBeGreaterThan(20);
  expect([...new Set(ALERT_CASES.map(({ alert }) => alert))].toSorted()).toEqual(ALERTS.map(({ alert }) => alert).toSorted());
});

describe('runbooks', () => {
  test.each(ALERTS)('$alert has a page with its name and all sections', ({ alert, runbook }) => {
    const kebab = alert.replace(/^Lars/, '').replace(/(?<!^)(?=[A-Z])/g, '-');
    expect(runbook).toBe(`docs/runbooks/${kebab.toLowerCase()}.md`);
    const text = readFileSync(path.join(ROOT, runbook), 'utf8');
    expect(text.split('\n')[0]).toBe(`# ${alert}`);
    expect([...text.matchAll(/^## (.*)$/gm)].map(([, title]) => title)).toEqual(SECTIONS);
    expect(text).toMatch(/```sh\n.+\n/);
  });

  test('no page is of an alert that is gone, and the list names each', () => {
    const pages = readdirSync(RUNBOOKS).filter(file => file !== 'README.md');
    expect(pages.toSorted()).toEqual(ALERTS.map(({ runbook }) => path.basename(runbook)).toSorted());
    const list = readFileSync(path.join(RUNBOOKS, 'README.md'), 'utf8');
    for (const { alert, runbook } of ALERTS) expect(list).toContain(`[${alert}](${path.basename(runbook)})`);
  });
});

describe.runIf(hasPrograms('prometheus', ['promtool']))('promtool', () => {
  test('takes the sample configuration and the rules', () => {
    expect(promtool('check', 'config', path.join(ROOT, 'conf/prometheus/prometheus.yml'))).toBe('');
  });

  test('has each alert fire in its minute, not before, and not while all is well', () => {
    expect(promtool('test', 'rules', ruleTest(ALERT_CASES))).toBe('');
  });

  test('finds an alert that does not fire', () => {
    const [first] = ALERT_CASES as readonly [AlertCase];
    expect(promtool('test', 'rules', ruleTest([{ ...first, firesAt: first.firesAt - 1 }]))).toContain('FAILED');
    expect(promtool('test', 'rules', ruleTest([{ ...first, well: first.fault }]))).toContain('FAILED');
  });
});

/** What it says when something is wrong; nothing when all is well. */
function promtool(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8', timeout: 15_000 });
  return status === 0 ? '' : `${stdout}${stderr}`;
}

/** A file for `promtool test rules`; JSON is YAML. All cases are played at the same time, each with instances of its own. */
function ruleTest(cases: readonly AlertCase[]): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'lars-alerts-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'test.yml');
  const tests = [
    { input_series: seriesOf(cases, 'fault'), promql_expr_test: ALERTS.flatMap(({ alert }) => firings(cases, alert)) },
    { input_series: seriesOf(cases, 'well'), promql_expr_test: MINUTES.map(minute => firing('', minute, 0)) },
  ].map(one => ({ interval: '1m', ...one }));
  writeFileSync(file, JSON.stringify({ rule_files: [RULES], evaluation_interval: '1m', tests }));
  return file;
}

const MINUTES = Array.from({ length: 60 }, (_, minute) => minute);

function seriesOf(cases: readonly AlertCase[], which: 'fault' | 'well') {
  return cases.flatMap((one, n) =>
    Object.entries(one[which]).map(([series, values]) => ({ series: series.replace('instance="', `$&${n}-`), values })),
  );
}

/** An alert may have several cases, which fire in the same minute. */
function firings(cases: readonly AlertCase[], alert: string) {
  const ofAlert = cases.filter(one => one.alert === alert);
  return ofAlert.flatMap(({ firesAt }) => [firing(alert, firesAt - 1, 0), firing(alert, firesAt, ofAlert.length)]);
}

/** @param alert '' for all of them together */
function firing(alert: string, minute: number, times: number) {
  const selector = alert === '' ? '' : `alertname="${alert}",`;
  const exp_samples = times === 0 ? [] : [{ labels: '{}', value: times }];
  return { expr: `count(ALERTS{${selector}alertstate="firing"})`, eval_time: `${minute}m`, exp_samples };
}
