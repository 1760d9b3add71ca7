/** A real Prometheus scrapes running services: each query of the dashboard has data, and each alert fires when its fault is made. */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ROWS } from '../../scripts/dashboard-panels.ts';
import { eventually } from '../support/eventually.ts';
import { hasPrograms } from '../support/needed-programs.ts';
import { CleanUps } from './agent-world.ts';
import {
  callWell,
  crowd,
  failAllHosts,
  hurtAgent,
  leaveAgentAlone,
  loseDatabase,
  overloadHosts,
  repeat,
  restartOften,
} from './alert-faults.ts';
import { type AgentService, CAN_MOUNT, MonitoredServices, type Service } from './monitored-services.ts';
import { type Alert, freeTcpPort, instanceOf, PrometheusProcess } from './prometheus-process.ts';
import { hurtRelays, type Relays, startRelays } from './relay-faults.ts';

vi.setConfig({ testTimeout: 90_000, hookTimeout: 180_000 });

/** These fire when the doomed system is killed; all others before. */
const OF_THE_DEAD = ['LarsAgentDown', 'LarsDnsserverDown', 'LarsReporterDown', 'LarsProxyDown', 'LarsDispatcherDown'];
const NAMES_OF_METRICS = /\b(?:up|(?:lars|process|nodejs)_\w+)\b/g;

const cleanUps = new CleanUps();
afterAll(() => cleanUps.run());

function portsOf({ ready }: AgentService): number[] {
  return [ready.agent, ready.dnsserver, ready.reporter].map(({ httpPort }) => httpPort);
}

describe.runIf(hasPrograms('prometheus', ['prometheus', 'promtool']) && hasPrograms('openssl', ['openssl']))(
  'a Prometheus that watches services in trouble',
  () => {
    let well: AgentService;
    let doomed: AgentService;
    let relays: Relays;
    let prometheus: PrometheusProcess;
    /** All alerts that have fired, by name and labels. */
    const fired = new Map<string, Alert>();

    beforeAll(async () => {
      const services = new MonitoredServices(cleanUps);
      [well, doomed] = await Promise.all([services.startSystem(), services.startSystem('[queue]\nmax_rows = 2\n')]);
      let small: Service;
      let faulty: AgentService;
      [small, faulty, relays] = await Promise.all([
        services.startSmallReporter(),
        services.startFaultyAgent(well.ready),
        startRelays(services.newFolder()),
      ]);
      const [proxyPort, dispatcherPort] = relays.httpPorts;
      const [lonelyPort, restartedPort] = [await freeTcpPort(), await freeTcpPort()];
      prometheus = await PrometheusProcess.start({
        'lars-agent': [well.ready.agent.httpPort, doomed.ready.agent.httpPort, faulty.ready.agent.httpPort, lonelyPort],
        'lars-dnsserver': [well.ready.dnsserver.httpPort, doomed.ready.dnsserver.httpPort],
        'lars-reporter': [well, doomed, small].map(({ ready }) => ready.reporter.httpPort).concat(restartedPort),
        'lars-proxy': [proxyPort],
        'lars-dispatcher': [dispatcherPort],
      });
      cleanUps.add(() => prometheus.stop());
      // What happens once fires for some seconds.
      repeat(cleanUps, 500, noteFiring);
      callWell(cleanUps, well);
      failAllHosts(cleanUps, doomed);
      crowd(cleanUps, small);
      await Promise.all([
        overloadHosts(cleanUps, doomed),
        loseDatabase(doomed),
        // A counter that has grown before the first scrape has not grown for Prometheus; it takes some seconds to begin.
        eventually('it is watched', async () => (await startTimesOf(faulty.ready.agent.httpPort)()) > 0).then(() =>
          hurtAgent(faulty),
        ),
        eventually('it is watched', async () => (await startTimesOf(dispatcherPort)()) > 0).then(() =>
          hurtRelays(cleanUps, relays),
        ),
        leaveAgentAlone(cleanUps, services, lonelyPort),
        restartOften(cleanUps, services, restartedPort, startTimesOf(restartedPort)),
      ]);
    });

    /** How many start times of the instance Prometheus has seen. */
    function startTimesOf(httpPort: number): () => Promise<number> {
      const seen = new Set<string>();
      return async () => {
        for (const { value } of await prometheus.query(`process_start_time_seconds{instance="${instanceOf(httpPort)}"}`))
          seen.add(value[1]);
        return seen.size;
      };
    }

    async function noteFiring(): Promise<void> {
      for (const alert of await prometheus.alerts().catch(() => [])) {
        if (alert.state === 'firing') fired.set(JSON.stringify(alert.labels), alert);
      }
    }

    /** Waits until each of these has fired. */
    async function haveFired(names: readonly string[]): Promise<void> {
      const look = () => {
        const seen = new Set([...fired.values()].map(({ labels }) => labels['alertname']));
        expect(names.filter(name => !seen.has(name))).toEqual([]);
      };
      await vi.waitFor(look, { timeout: 30_000, interval: 250 });
    }

    test('finds each page as promtool wants it', async () => {
      for (const port of [...portsOf(well), ...relays.httpPorts]) {
        const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
        const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: page, encoding: 'utf8' });
        expect([status, stdout, stderr]).toEqual([0, '', '']);
      }
    });

    test('has an alert fire for each fault', async () => {
      const rules = await prometheus.rules();
      if (!CAN_MOUNT)
        process.stderr.write('LarsDiskFull is left out: this machine lets nobody mount a file system (unshare -rm)\n');
      const names = rules.map(({ name }) => name).filter(name => name !== 'LarsDiskFull' || CAN_MOUNT);
      await haveFired(names.filter(name => !OF_THE_DEAD.includes(name)));
      // While the faults last, there is something to see of everything.
      for (const { query } of rules) {
        for (const [name] of query.matchAll(NAMES_OF_METRICS))
          expect([name, (await prometheus.query(name)).length]).not.toEqual([name, 0]);
      }
      for (const expr of Object.values(ROWS).flatMap(panels => panels.flatMap(({ queries }) => Object.values(queries)))) {
        const now = expr.replaceAll('$__rate_interval', '10s').replaceAll('$agent', '.*');
        expect([now, (await prometheus.query(now)).length]).not.toEqual([now, 0]);
      }
      for (const { process } of [doomed, { process: relays.proxy }, { process: relays.dispatcher }]) process.signal('SIGKILL');
      await haveFired(OF_THE_DEAD);
      expect((await prometheus.rules()).filter(({ health }) => health !== 'ok')).toEqual([]);
    });

    test('says what each is about, and none is about the system that is well', () => {
      const alerts = [...fired.values()];
      for (const { annotations } of alerts) {
        expect(annotations).toMatchObject({ runbook_url: expect.stringMatching(/^docs\/runbooks\/[a-z-]+\.md$/) });
        // A label that the expression does not have is left out of the text, which then has a gap.
        for (const text of Object.values(annotations))
          expect(text).not.toMatch(/error expanding|no value|\{\{| {2}|^ | $|module \//i);
      }
      const instances = portsOf(well).map(instanceOf);
      expect(alerts.filter(({ labels }) => instances.includes(labels['instance'] ?? '') || labels['modid'] === '1')).toEqual([]);
    });
  },
);
