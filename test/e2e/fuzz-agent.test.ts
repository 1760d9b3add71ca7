import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ReturnCode, shardOf } from '@lars/proto';
import { afterEach, expect, test } from 'vitest';
import type { AgentChildReady } from '../support/agent-child.ts';
import { addCounts, FUZZ_FRAMES, FUZZ_HOSTS, FUZZ_MODULES, FUZZ_OUTCOMES, judge } from '../support/agent-fuzz.ts';
import { eventually } from '../support/eventually.ts';
import { below, mutantOf, type Random } from '../support/fuzz.ts';
import { parsePrometheus, sampleSum, sampleValue } from '../support/prometheus-text.ts';
import { ScriptedDnsserver } from '../support/scripted-dnsserver.ts';
import { seededRandom, testSeed } from '../support/seeded-random.ts';
import { UdpAsker } from '../support/udp-asker.ts';
import { CleanUps } from './agent-world.ts';

const DATAGRAMS = 100_000;
/** So many are thrown before the memory is measured for the first time. */
const WARM_UP = 30_000;
/** Small enough for the kernel's smallest usual buffer, so that no datagram is lost and every one can be accounted for. */
const BURST = 30;
/** What the process may grow by after the warm-up: garbage of its six heaps, but not 340 bytes for each datagram. */
const MAX_GROWTH_BYTES = 32 * 1_024 * 1_024;

const CHILD = fileURLToPath(new URL('../support/agent-child.ts', import.meta.url));

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

async function startAgentProcess(dnsPort: number): Promise<AgentChildReady> {
  const conf = `[udp]\nport = 0\n[http]\nport = 0\n[dnsserver]\nport = ${dnsPort}\n[agent]\nroute_wait = 5000\nroutes_file =\nunsent_file =\nmax_absent = 1000\n`;
  const child = spawn(process.execPath, ['--conditions=source', CHILD, conf], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  cleanUps.add(async () => {
    child.stdin.end();
    await exited;
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const said: unknown = JSON.parse(line);
    if (typeof said === 'object' && said !== null && 'udpPorts' in said) {
      child.stdout.resume();
      return said as AgentChildReady;
    }
  }
  throw new Error('the agent ended before it was ready');
}

/** Throws mutants in bursts, and waits after each until all shards have read it. Adds what must be counted to `expected`. */
async function throwMutants(asker: UdpAsker, count: number, random: Random, expected: Record<string, number>): Promise<void> {
  for (let thrown = 0; thrown < count; thrown += BURST) {
    for (let i = 0; i < BURST; i++) {
      const datagram = mutantOf(FUZZ_FRAMES, random);
      const shard = below(3, random);
      const { answer, module, counts } = judge(datagram);
      addCounts(expected, counts);
      if (answer) addCounts(expected, { answers: 1 });
      if (module !== undefined && shardOf(module.modid, module.cmdid) !== shard) addCounts(expected, { misrouted: 1 });
      asker.send(datagram, shard);
    }
    await Promise.all(FUZZ_MODULES.map(module => asker.getHost(module)));
    addCounts(expected, { getHost: FUZZ_MODULES.length, answers: FUZZ_MODULES.length });
    // Mutants that are still requests were answered too.
    asker.hosts.clear();
    asker.routes.length = 0;
  }
}

test(`an agent takes ${DATAGRAMS} mutated datagrams: it lives, answers, counts each of them, and does not grow`, async () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const dns = new ScriptedDnsserver('ours');
  await dns.start();
  cleanUps.add(() => dns.stop());
  for (const { modid, cmdid } of FUZZ_MODULES) dns.setRoute(modid, cmdid, FUZZ_HOSTS);
  const { udpPorts, httpPort } = await startAgentProcess(dns.port);
  const asker = await UdpAsker.open(udpPorts);
  cleanUps.add(() => asker.close());
  const samples = async () => parsePrometheus(await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text());
  const residentBytes = async () => sampleValue(await samples(), 'process_resident_memory_bytes');

  const expected: Record<string, number> = { answers: FUZZ_MODULES.length, getHost: FUZZ_MODULES.length };
  for (const module of FUZZ_MODULES) expect((await asker.getHost(module)).retcode).toBe(ReturnCode.Success);
  await throwMutants(asker, WARM_UP, random, expected);
  const warmBytes = await residentBytes();
  await throwMutants(asker, DATAGRAMS, random, expected);
  const growth = (await residentBytes()) - warmBytes;

  const counted = async () => {
    const scraped = await samples();
    const snake = (name: string) => name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
    const value = (name: string) => (name === 'answers' ? asker.answers : sampleSum(scraped, `lars_agent_${snake(name)}_total`));
    return Object.fromEntries(Object.keys(expected).map(name => [name, value(name)]));
  };
  // What one shard forwards to another is handled after the burst was answered.
  const agreed = async () => JSON.stringify(await counted()) === JSON.stringify(expected);
  await eventually('the counters', agreed).catch(() => undefined);
  expect({ seed, ...(await counted()) }).toEqual({ seed, ...expected });
  for (const outcome of FUZZ_OUTCOMES) expect(expected[outcome], `seed ${seed}: ${outcome}`).toBeGreaterThan(DATAGRAMS / 1_000);

  expect(sampleSum(await samples(), 'lars_agent_thread_restarts_total'), `seed ${seed}`).toBe(0);
  expect((await asker.getHost(FUZZ_MODULES[0])).retcode, `seed ${seed}`).not.toBe(ReturnCode.NoExist);
  expect(growth, `seed ${seed}: grown from ${warmBytes} bytes`).toBeLessThan(MAX_GROWTH_BYTES);
}, 180_000);
