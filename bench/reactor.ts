/**
 * The engines of `reactor/` against node:net, and HAProxy where it is installed: as an echo server and as a proxy, per second of the server's own CPU.
 * Contenders take turns; medians of the rounds, and their ratio to the first of them. `node --conditions=source bench/reactor.ts [--seconds 1] [--rounds 3] [--contenders epoll,io_uring]`
 */
import { parseArgs } from 'node:util';
import { createEngine, type Engine } from '@lars/reactor';
import { CONTENDERS, type Contender, type Role, startContenders } from './reactor/contenders.ts';
import { bulk, type Load, roundTrips, shortConnections } from './reactor/loads.ts';

interface Work {
  readonly role: Role;
  readonly name: string;
  readonly load: Load;
}

const WORKS: readonly Work[] = [
  { role: 'echo', name: 'short connections', load: shortConnections },
  { role: 'echo', name: 'round trips, 100 connections', load: roundTrips(100) },
  { role: 'relay', name: 'short connections', load: shortConnections },
  { role: 'relay', name: 'round trips, 100 connections', load: roundTrips(100) },
  { role: 'relay', name: 'round trips, 1,000 connections', load: roundTrips(1_000) },
  { role: 'relay', name: 'bytes, 1 connection', load: bulk(1) },
  { role: 'relay', name: 'bytes, 100 connections', load: bulk(100) },
];

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    contenders: { type: 'string', default: CONTENDERS.join() },
  },
});
const milliseconds = Number(values.seconds) * 1_000;
const rounds = Number(values.rounds);

const engine = await createEngine();
const echo = await engine.listen({ port: 0, backlog: 4_096 }, one =>
  one.start({ onData: (each, bytes) => void each.write(bytes) }),
);
const sink = await engine.listen({ port: 0, backlog: 4_096 }, one => one.start({ onData: () => undefined }));

console.log('| work | contender | per CPU second | × |\n| --- | --- | --- | --- |');
for (const work of WORKS.filter(({ name }) => name.includes(values.only))) {
  const backend = work.name.startsWith('bytes') ? sink : echo;
  const contenders = await startContenders(work.role, backend.address.port, values.contenders.split(','));
  try {
    await report(work, contenders);
  } finally {
    for (const contender of contenders) contender.stop();
  }
}
await engine.close();

async function report({ role, name, load }: Work, contenders: readonly Contender[]): Promise<void> {
  const rates = new Map<Contender, number[]>(contenders.map(one => [one, []]));
  for (const contender of contenders) await load(engine, contender.port, milliseconds / 2);
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) rates.get(contender)?.push(await rateOf(engine, load, contender));
  }
  const first = median(rates.get(contenders[0] as Contender) ?? []);
  for (const contender of contenders) {
    const rate = median(rates.get(contender) ?? []);
    const shown = Math.round(rate).toLocaleString('en');
    console.log(`| ${role}: ${name} | ${contender.name} | ${shown} | ${(rate / first).toFixed(2)} |`);
  }
}

async function rateOf(client: Engine, load: Load, contender: Contender): Promise<number> {
  const before = contender.cpuSeconds();
  const done = await load(client, contender.port, milliseconds);
  return done / Math.max(0.01, contender.cpuSeconds() - before);
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0;
}
