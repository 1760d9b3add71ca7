/** Threads that hang without dying: a debugger makes them wait for ever, or run in circles. */
import { Session } from 'node:inspector';
import { ReturnCode } from '@lars/proto';
import { afterEach, expect, test } from 'vitest';
import { hostInfo } from '../support/agent-messages.ts';
import { eventually } from '../support/eventually.ts';
import { sampleValue } from '../support/prometheus-text.ts';
import { CleanUps, health, metrics, restarted, startWorld } from './agent-world.ts';

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

interface Attached {
  readonly sessionId: string;
  readonly workerInfo: { readonly title: string };
}

/** Evaluates an expression in the thread, and does not wait for its end. */
async function evaluateIn(thread: string, expression: string): Promise<void> {
  const session = new Session();
  session.connect();
  cleanUps.add(() => session.disconnect());
  const sessionId = await new Promise<string>((resolve, reject) => {
    session.on('NodeWorker.attachedToWorker', ({ params }: { params: Attached }) => {
      if (params.workerInfo.title.includes(thread)) resolve(params.sessionId);
    });
    session.post('NodeWorker.enable', { waitForDebuggerOnStart: false }, error => error && reject(error));
  });
  // What is sent before the thread's side of the debugger is there is lost.
  await new Promise(resolve => setTimeout(resolve, 500));
  const message = JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } });
  session.post('NodeWorker.sendMessageToWorker', { sessionId, message });
}

/** For ever, and without a processor, which others need. */
const HANG = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);';

const MODULE = { modid: 3, cmdid: 0 };

test('a shard that hangs is named, counted and replaced, and serves its modules again, also while dnsserver is away', async () => {
  const world = await startWorld(cleanUps, 'ours');
  const { agent, dns, asker, recording } = world;
  dns.setRoute(MODULE.modid, MODULE.cmdid, [hostInfo(5)]);
  expect((await asker.getHost(MODULE)).retcode).toBe(ReturnCode.Success);
  await dns.stop();
  await evaluateIn('shard0', HANG);
  await eventually('it is named', () => recording.events().includes('thread shard0 is silent'));
  expect(agent.restarts('shard0')).toBe(0);
  expect(agent.isAlive?.()).toBe(false);
  expect(sampleValue(await metrics(agent), 'lars_agent_thread_silences_total', { thread: 'shard0' })).toBe(1);
  await expect.poll(() => agent.restarts('shard0'), { timeout: 20_000 }).toBe(1);
  expect(recording.events()).toContain('thread shard0 hangs; replaced');
  await eventually('its modules are served again', async () => {
    const answered = asker.answers;
    asker.ask(MODULE);
    await new Promise(resolve => setTimeout(resolve, 100));
    return asker.answers > answered;
  });
  expect(await asker.getHost(MODULE)).toMatchObject({ retcode: ReturnCode.Success, host: { port: 5 } });
  expect(agent.isAlive?.()).toBe(true);
  expect((await health(agent)).details).toMatchObject({ threadSilences: 1, threadRestarts: 1 });
}, 60_000);

test.each(['dns', 'reporter'] as const)(
  '%s too',
  async name => {
    const { agent, recording } = await startWorld(cleanUps, 'ours');
    await evaluateIn(name, HANG);
    await expect.poll(() => agent.restarts(name), { timeout: 20_000 }).toBe(1);
    await restarted(agent, name, 1);
    expect(recording.events()).toContain(`thread ${name} hangs; replaced`);
  },
  60_000,
);

test('one that was busy for some seconds is named, and goes on', async () => {
  const { agent, recording } = await startWorld(cleanUps, 'ours');
  await evaluateIn('shard1', 'for (const end = Date.now() + 5_000; Date.now() < end; );');
  await eventually('it is back', () => recording.events().includes('thread shard1 is back'));
  expect(recording.events()).toContain('thread shard1 is silent');
  expect(agent.restarts('shard1')).toBe(0);
}, 60_000);
