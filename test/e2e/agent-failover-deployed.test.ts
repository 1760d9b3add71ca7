/** Lists of servers of the first generation, which tell no versions and never acknowledge. */
import { startAgent } from '@lars/agent';
import { ReturnCode } from '@lars/proto';
import { afterEach, expect, test, vi } from 'vitest';
import { hostInfos } from '../support/agent-messages.ts';
import { eventually } from '../support/eventually.ts';
import { recordingLog } from '../support/recording-log.ts';
import { ScriptedDnsserver } from '../support/scripted-dnsserver.ts';
import { ScriptedReporter } from '../support/scripted-reporter.ts';
import { UdpAsker } from '../support/udp-asker.ts';
import { agentConfig, CleanUps, metrics } from './agent-world.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

const MODULE = { modid: 3, cmdid: 0 };
/** Several times as long as a silent server is waited for. */
const CALM_MS = 3_000;

test('the first servers are used as long as they answer, and the others when they are gone', async () => {
  const dns = [new ScriptedDnsserver('deployed'), new ScriptedDnsserver('deployed')] as const;
  const reporters = [new ScriptedReporter('deployed'), new ScriptedReporter('deployed')] as const;
  for (const server of [...dns, ...reporters]) {
    await server.start();
    cleanUps.add(() => server.stop());
  }
  const list = (servers: readonly { readonly port: number }[]) => servers.map(({ port }) => `127.0.0.1:${port}`).join(', ');
  dns[0].setRoute(3, 0, hostInfos(1));
  dns[1].setRoute(3, 0, hostInfos(2));
  const config = agentConfig({ dnsserver: { servers: list(dns) }, reporter: { servers: list(reporters) } });
  const agent = await startAgent(config, { log: recordingLog().log });
  cleanUps.add(() => agent.stop());
  const asker = await UdpAsker.open(agent.udpPorts);
  cleanUps.add(() => asker.close());
  expect((await asker.getHost(MODULE)).retcode).toBe(ReturnCode.Success);
  await asker.report(MODULE, 1, [true, true]);
  await eventually('the first reporter has the calls', () => reporters[0].calls(3, 0)['1']?.succ === 2);
  await new Promise(resolve => setTimeout(resolve, CALM_MS));
  const changes = (await metrics(agent)).filter(({ name }) => /_(failovers|returns)_total$/.test(name));
  expect(changes.map(({ value }) => value)).toEqual([0, 0, 0, 0]);
  // A route without a version is not told again and again for a sign of life.
  expect(dns[0].takeAsked().filter(module => module === '3/0').length).toBeLessThan(3);

  await dns[0].stop();
  await eventually('the route of the other dnsserver', async () => (await asker.getRoute(MODULE)).host.length === 2);
  await reporters[0].stop();
  await eventually('the other reporter is connected', async () =>
    (await metrics(agent)).some(({ name, value }) => name === 'lars_agent_reporter_server' && value === 2),
  );
  await asker.report(MODULE, 2, [true, false]);
  await eventually('the other reporter has the calls', () => reporters[1].calls(3, 0)['2'] !== undefined);
  expect(reporters[1].calls(3, 0)).toEqual({ 2: { succ: 1, err: 1 } });
});
