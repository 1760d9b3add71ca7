/** What every client of the agent promises, in whatever language it is written: the same scenarios, the same agent. */
import { ReturnCode } from '@lars/proto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AgentWorld, CleanUps, startWorld } from '../e2e/agent-world.ts';
import { hostInfo, hostInfos, namedHost } from '../support/agent-messages.ts';
import { eventually } from '../support/eventually.ts';
import { HOST, hostAnswer, refusingPorts } from '../unit/client-sdk/fake-agent.ts';
import type { Module, ToldHost, ToldRoute } from './sdk-drivers.ts';
import { describeEachSdk, getHost, MODULE, PATIENT, spoken } from './sdk-suite.ts';

/** What all tests of the file share. */
const shared = new CleanUps();
let world: AgentWorld;
let modules = 0;

beforeAll(async () => {
  world = await startWorld(shared, 'ours', { agent: { route_wait: 5_000 } });
});
afterAll(() => shared.run());

/** One that no other test has, for they share an agent. */
function newModule(): Module {
  modules += 1;
  return [modules, 2];
}

describeEachSdk(sdks => {
  async function withAgent() {
    const { dns, reporter, agent } = world;
    return { dns, reporter, module: newModule(), client: await sdks.newClient({ ports: agent.udpPorts }) };
  }

  test.each([
    {
      hosts: [hostInfo(80, { weight: 7, zone: 'eu' })],
      is: { host: '10.0.0.1', port: 80, weight: 7, zone: 'eu', authority: '10.0.0.1:80' },
    },
    { hosts: [hostInfo(80, { ip: -1_062_731_343 })], is: { host: '192.168.1.177', weight: 100, authority: '192.168.1.177:80' } },
    { hosts: [namedHost('2001:db8::1')], is: { host: '2001:db8::1', authority: '[2001:db8::1]:80' } },
    { hosts: [namedHost('db.example')], is: { host: 'db.example', authority: 'db.example:80' } },
  ])('getHost gives $is.authority', async ({ hosts, is }) => {
    const { dns, module, client } = await withAgent();
    const [number] = module;
    const all: readonly Module[] = [module, [-number, 2], [-2_147_483_648, 2_147_483_647 - number]];
    for (const one of all) {
      dns.setRoute(...one, hosts);
      expect(await getHost(client, one)).toMatchObject({ value: { modid: one[0], cmdid: one[1], drain: false, ...is } });
    }
  });

  test('many requests at once are all answered', async () => {
    const { dns, module, client } = await withAgent();
    dns.setRoute(...module, hostInfos(3));
    const outcomes = await Promise.all(Array.from({ length: 500 }, () => getHost(client, module)));
    expect(new Set(outcomes.map(({ value }) => (value as ToldHost | undefined)?.port))).toEqual(new Set([1, 2, 3]));
  });

  test('getRoute gives all hosts and no host of a module that does not exist', async () => {
    const { dns, module, client } = await withAgent();
    dns.setRoute(...module, [hostInfo(1), hostInfo(2, { drain: true, zone: 'a' })]);
    const { value } = await client.run({ do: 'getRoute', module });
    const { hosts, isVersioned, overload } = value as ToldRoute;
    expect({ isVersioned, overload }).toEqual({ isVersioned: true, overload: false });
    expect(hosts.map(({ port, drain, zone }) => ({ port, drain, zone }))).toEqual([
      { port: 1, drain: false, zone: '' },
      { port: 2, drain: true, zone: 'a' },
    ]);
    const none = await client.run({ do: 'getRoute', module: newModule() });
    expect(none).toEqual({ value: { hosts: [], overload: false, isVersioned: false } });
  });

  test('reports reach the statistics', async () => {
    const { dns, reporter, module, client } = await withAgent();
    dns.setRoute(...module, [hostInfo(1), namedHost('db.example')]);
    const { value } = await getHost(client, module);
    const target = { number: (value as ToldHost).number };
    await client.run({ do: 'report', target, result: { ok: true, tcostMs: 3.4 } });
    await client.run({ do: 'report', target, result: { ok: false } });
    const byHand = { modid: module[0], cmdid: module[1], host: 'DB.example', port: 80 };
    await client.run({ do: 'report', target: byHand, result: { ok: true, tcostMs: 0 } });
    await eventually('all three are told', () => callsOf(reporter.calls(...module)) === 3);
  });

  test('register waits for a route, and says what kept it', async () => {
    const { dns, module, client } = await withAgent();
    const never = newModule();
    const waiting = client.run({ do: 'register', module, options: PATIENT });
    const inVain = client.run({ do: 'register', module: never, options: { timeoutMs: 700 } });
    const { error } = await inVain;
    expect(error).toMatchObject({ code: 'LARS_NO_ROUTE', modid: never[0], cmdid: never[1], host: null });
    // The last attempt may have had too little time for an answer.
    expect(['LARS_NO_EXIST', 'LARS_AGENT_SILENT']).toContain(error?.cause);
    dns.setRoute(...module, hostInfos(1));
    expect((await waiting).value).toMatchObject({ hosts: [{ port: 1 }] });
  });

  test.each([
    { takesMs: 0, fails: false, gives: { value: { port: 1 } }, counts: { succ: 1, err: 0 } },
    { takesMs: 0, fails: true, gives: { error: { code: 'Failed', message: 'no' } }, counts: { succ: 0, err: 1 } },
    { takesMs: 0, fails: true, isFailure: false, gives: { error: { code: 'Failed' } }, counts: { succ: 1, err: 0 } },
    { takesMs: 0, fails: true, isFailure: true, gives: { error: { code: 'Failed' } }, counts: { succ: 0, err: 1 } },
    {
      takesMs: 30_000,
      fails: false,
      timeoutMs: 300,
      gives: { error: { code: 'LARS_CALL_TIMEOUT', host: '10.0.0.1:1' } },
      counts: { succ: 0, err: 1 },
    },
    {
      takesMs: 30_000,
      fails: false,
      timeoutMs: 300,
      isFailure: false,
      gives: { error: { code: 'LARS_CALL_TIMEOUT', host: '10.0.0.1:1' } },
      counts: { succ: 0, err: 1 },
    },
    { takesMs: 0, fails: false, timeoutMs: 20_000, gives: { value: { port: 1 } }, counts: { succ: 1, err: 0 } },
  ])('call: %j', async ({ gives, counts, timeoutMs, ...how }) => {
    const { dns, reporter, module, client } = await withAgent();
    dns.setRoute(...module, hostInfos(1));
    // The route is there before the call's time begins to run.
    await getHost(client, module);
    const options = timeoutMs === undefined ? {} : { timeoutMs };
    const outcome = await client.run({ do: 'call', module, options, ...how });
    expect(outcome).toMatchObject(gives);
    if (outcome.error?.code === 'LARS_CALL_TIMEOUT')
      expect(outcome.error.message).toContain('the call to 10.0.0.1:1 (picked by agent');
    await eventually('it is told', () => callsOf(reporter.calls(...module)) === 1);
    expect(Object.values(reporter.calls(...module))).toMatchObject([counts]);
  });

  test.each([
    { says: { retcode: ReturnCode.Overload, host: undefined }, code: 'LARS_OVERLOAD', text: 'shed this call or try again later' },
    {
      says: { retcode: ReturnCode.NoExist, host: undefined },
      code: 'LARS_NO_EXIST',
      text: 'knows no host of it; check modid and cmdid',
    },
    {
      says: { retcode: 2, host: undefined },
      code: 'LARS_SYSTEM_ERROR',
      text: "answered with return code 2; look into the agent's log",
    },
    { says: { host: undefined }, code: 'LARS_SYSTEM_ERROR', text: 'answered without a host that can be called' },
    { says: { host: { ...HOST, ip: 0 } }, code: 'LARS_SYSTEM_ERROR', text: 'answered without a host that can be called' },
  ])('the answer $says is $code', async ({ says, code, text }) => {
    const { agent, client } = await sdks.withFakeAgent();
    agent.onHost = (request, reply) => reply(hostAnswer(request, says));
    const { error } = await getHost(client, MODULE);
    expect(error).toMatchObject({ code, modid: MODULE[0], cmdid: MODULE[1] });
    expect(error?.message).toMatch(/^module 1\/2: agent 127\.0\.0\.1:\d+ /);
    expect(error?.message).toContain(text);
  });

  test('what is no answer to the request is counted and ignored', async () => {
    const { agent, client } = await sdks.withFakeAgent();
    agent.onHost = (request, reply) => {
      reply(hostAnswer({ ...request, seq: request.seq + 1 }));
      reply(hostAnswer({ ...request, modid: request.modid + 3 }));
      reply(new Uint8Array(7));
      reply(hostAnswer(request).subarray(0, -1));
      reply(Uint8Array.of(5, 0, 0, 0, 1, 0, 0, 0, 0xff));
      reply(hostAnswer(request, { host: { ...HOST, port: 81 } }));
      reply(hostAnswer(request, { host: { ...HOST, port: 82 } }));
    };
    expect(await getHost(client, MODULE)).toMatchObject({ value: { port: 81 } });
    // The last of them may be read with the next request only.
    agent.onHost = (request, reply) => reply(hostAnswer(request));
    await getHost(client, MODULE);
    expect((await client.run({ do: 'stats' })).value).toMatchObject({ late: 3, malformed: 3 });
  });

  test('a request whose answer does not come ends at its deadline', async () => {
    const { agent, client } = await sdks.withFakeAgent({ fallback: false });
    agent.onHost = () => undefined;
    const { error } = await getHost(client, MODULE, { timeoutMs: 150 });
    expect(error?.code).toBe('LARS_AGENT_SILENT');
    expect(spoken(error?.message)).toContain('within 150 ms; see whether the agent is stuck, or raise timeoutms');
  });

  test('without a process that listens, it fails at once', async () => {
    const refusing = await refusingPorts();
    sdks.cleanUps.add(() => refusing[Symbol.asyncDispose]());
    const client = await sdks.newClient({ ports: refusing.ports });
    for (const command of ['getHost', 'getRoute'] as const) {
      const { error } = await client.run({ do: command, module: MODULE });
      expect(error).toMatchObject({ code: 'LARS_AGENT_UNREACHABLE' });
      expect(error?.message).toMatch(/cannot be reached \(.*\); see whether the agent runs and listens there$/);
    }
  });

  test('after close, requests fail and reports are dropped', async () => {
    const { agent, client } = await sdks.withFakeAgent();
    agent.onHost = () => undefined;
    const waiting = getHost(client, MODULE);
    await agent.until(() => agent.hostRequests.length > 0);
    await client.run({ do: 'close' });
    await client.run({ do: 'close' });
    expect((await waiting).error).toMatchObject({ code: 'LARS_CLOSED' });
    expect((await getHost(client, MODULE)).error).toMatchObject({ code: 'LARS_CLOSED' });
    const target = { modid: 1, cmdid: 2, host: '10.0.0.1', port: 1 };
    expect(await client.run({ do: 'report', target, result: { ok: true } })).toEqual({ value: undefined });
    expect(agent.reports).toEqual([]);
  });

  test('more requests than maxPending are refused', async () => {
    const { agent, client } = await sdks.withFakeAgent({ maxPending: 1 });
    agent.onHost = () => undefined;
    const waiting = getHost(client, MODULE);
    await agent.until(() => agent.hostRequests.length > 0);
    const { error } = await getHost(client, MODULE);
    expect(error?.code).toBe('LARS_TOO_MANY_PENDING');
    expect(spoken(error?.message)).toContain('its siblings already; call less at once or raise maxpending');
    await client.run({ do: 'close' });
    await waiting;
  });
});

function callsOf(calls: Readonly<Record<string, { readonly succ: number; readonly err: number }>>): number {
  return Object.values(calls).reduce((sum, { succ, err }) => sum + succ + err, 0);
}
