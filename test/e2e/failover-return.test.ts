/** A thousand agents' links to two dnsservers: the first one dies, and when it is back they return to it without a herd and without a gap. */
import { type GetRouteResponse, MAX_BODY_BYTES } from '@lars/proto';
import { SharedCounters } from '@lars/runtime/counters';
import { afterEach, expect, test, vi } from 'vitest';
import { dnsCounters } from '../../agent/src/counters.ts';
import { RouteSubscriber } from '../../agent/src/dns/route-subscriber.ts';
import { newServerLinks, type ServerLinks } from '../../agent/src/threads/server-links.ts';
import { recordingLog } from '../support/recording-log.ts';
import { seededRandom, testSeed } from '../support/seeded-random.ts';
import { CleanUps } from './agent-world.ts';
import { Server } from './failover-world.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 60_000 });

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

const AGENTS = 1_000;
/** Even would be a hundred, and the jitter alone gives some 120 at most. */
const MAX_IN_A_SECOND = 250;
const RETURN_MS = 10_000;

/** What an agent's dns thread does with its links, without the thread. */
class LinkedAgent {
  readonly links: ServerLinks;
  /** The ports of the one module's hosts. */
  ports: readonly number[] = [];
  returnedAtMs: number | undefined;
  /** Times at which it used no server. */
  gaps = 0;

  constructor(servers: readonly Server[], random: () => number) {
    const options = { maxOpen: 10, maxAbsent: 10, minLinkMs: 10_000, answerTimeoutMs: 5_000, servers: servers.length };
    const subscriber = new RouteSubscriber(
      { ...options, doubtMs: 15_000 },
      {
        counters: new SharedCounters(dnsCounters),
        send: frame => this.links.queue(frame),
        isStored: () => false,
        onResponse: () => undefined,
        onRoute: ({ host }: GetRouteResponse) => {
          this.ports = host.map(({ port }) => port).sort();
        },
      },
    );
    const addresses = servers.map(({ port }) => ({ host: '127.0.0.1', port }));
    this.links = newServerLinks(
      { servers: addresses, backoffMinMs: 100, backoffMaxMs: 5_000, serverName: 'dnsserver', maxBodyBytes: MAX_BODY_BYTES },
      {
        log: recordingLog().log,
        random,
        events: {
          onProbe: server => {
            this.links.queue(subscriber.signOfLifeRequest(), server);
            this.links.flush();
          },
          onUse: (server, before) => {
            if (server === 0 && before === 1) this.returnedAtMs = performance.now();
            subscriber.onLinkUp(performance.now(), server);
            this.links.flush();
          },
          onFrame: (server, id, body) => {
            if (this.links.isProbed(server)) this.links.confirm(server);
            else subscriber.onFrame(id, body, server);
            if (subscriber.isCaughtUp) for (const spare of this.links.spares) this.links.release(spare);
          },
          onDown: (_, wasUsed) => {
            if (!wasUsed) return;
            this.gaps += 1;
            subscriber.onLinkDown();
          },
        },
      },
    );
    subscriber.query({ modid: 1, cmdid: 1, version: 0 }, 0);
    cleanUps.add(() => this.links.stop());
    this.links.start();
  }
}

/** The longest time for which this process got no CPU, milliseconds: what was due meanwhile happens at once afterwards. */
function watchStalls(): { longestMs: number } {
  const stalls = { longestMs: 0 };
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    stalls.longestMs = Math.max(stalls.longestMs, nowMs - lastMs);
    lastMs = nowMs;
  }, 20);
  cleanUps.add(() => clearInterval(timer));
  return stalls;
}

test('a thousand connections return to the first server over ten seconds, each without a gap', async () => {
  const [a, b] = await Promise.all([Server.start(cleanUps, 'dnsserver'), Server.start(cleanUps, 'dnsserver')]);
  await a.route('add', '1/1', '127.0.0.1:9001');
  await b.route('add', '1/1', '127.0.0.1:9002');
  const random = seededRandom(testSeed());
  const agents = Array.from({ length: AGENTS }, () => new LinkedAgent([a, b], random));
  const all = (isSo: (agent: LinkedAgent) => boolean) =>
    vi.waitUntil(() => agents.every(isSo), { timeout: 60_000, interval: 20 });
  await all(({ ports }) => ports[0] === 9001);
  await a.kill();
  await all(({ ports }) => ports[0] === 9002);
  for (const agent of agents) agent.gaps = 0;
  await a.start();
  const stalls = watchStalls();
  await all(({ ports, links }) => ports[0] === 9001 && links.used === 0);
  const times = agents.map(({ returnedAtMs = 0 }) => returnedAtMs).sort((x, y) => x - y);
  const firstMs = times[0] as number;
  const seconds = Array.from({ length: 1 + Math.floor(((times.at(-1) as number) - firstMs) / 1_000) }, (_, second) =>
    times.reduce((count, ms) => count + Number(Math.floor((ms - firstMs) / 1_000) === second), 0),
  );
  const histogram = seconds.map(
    (count, second) => `${String(second).padStart(3)} s ${String(count).padStart(4)} ${'#'.repeat(count / 4)}`,
  );
  process.stderr.write(`returns in each second:\n${histogram.join('\n')}\n`);
  expect(agents.reduce((sum, { gaps }) => sum + gaps, 0)).toBe(0);
  const missed = (2 * AGENTS * stalls.longestMs) / RETURN_MS;
  expect(Math.max(...seconds)).toBeLessThan(MAX_IN_A_SECOND + missed);
  expect(seconds.length).toBeGreaterThanOrEqual(7);
  // And they hear of changes.
  await a.route('add', '1/1', '127.0.0.1:9003');
  await all(({ ports }) => ports.length === 2);
});
