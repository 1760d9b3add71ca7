/**
 * How long an engine takes to open, and how late the first byte of a connection is heard after it was sent: by an engine that was opened for it, and by one that has been there. The engines
 * take turns, and the clients are slow, so that nothing of it is load; beside it others may have the processors. Milliseconds: `node --conditions=source bench/first-bytes.ts [--rounds 100]`
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { parseArgs } from 'node:util';
import { createEngine, type Engine, type EngineKind } from '@lars/reactor';

const KINDS: readonly EngineKind[] = ['epoll', 'io_uring', 'node'];
const WORKS = ['opening', 'first byte, new engine', 'first byte, old engine'] as const;
const SHARES = [0.5, 0.9, 0.99, 1] as const;

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '100' } } });
const figures = new Map(WORKS.map(work => [work, new Map(KINDS.map(kind => [kind, [] as number[]]))]));
const note = (work: (typeof WORKS)[number], kind: EngineKind, ms: number) => figures.get(work)?.get(kind)?.push(ms);

const old = new Map<EngineKind, Engine>();
for (const kind of KINDS) old.set(kind, await createEngine({ kind }));
for (let round = 0; round < Number(values.rounds); round++) {
  for (const kind of KINDS) {
    const startMs = performance.now();
    const engine = await createEngine({ kind });
    note('opening', kind, performance.now() - startMs);
    note('first byte, new engine', kind, await firstByteMs(engine));
    await engine.close();
    note('first byte, old engine', kind, await firstByteMs(old.get(kind) as Engine));
    await new Promise(resolve => setTimeout(resolve, 3));
  }
}
for (const engine of old.values()) await engine.close();

console.log(
  `| work | engine | ${SHARES.map(share => `p${100 * share}`).join(' | ')} |\n| --- | --- |${' --- |'.repeat(SHARES.length)}`,
);
for (const [work, byKind] of figures) {
  for (const [kind, all] of byKind) {
    const sorted = all.sort((a, b) => a - b);
    const at = (share: number) => (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(2);
    console.log(`| ${work} | ${kind} | ${SHARES.map(at).join(' | ')} |`);
  }
}

/** From when a client writes its first byte until the handler has it. The connection is paused at first, as a proxy's are that looks at what a client says first. */
async function firstByteMs(engine: Engine): Promise<number> {
  const heard = Promise.withResolvers<number>();
  const listener = await engine.listen({ port: 0 }, connection => {
    connection.start({ onData: () => heard.resolve(performance.now()) });
    connection.pause();
    setImmediate(() => connection.resume());
  });
  const client = connect(listener.address.port, '127.0.0.1');
  await once(client, 'connect');
  const startMs = performance.now();
  client.write('x');
  const heardMs = (await heard.promise) - startMs;
  client.destroy();
  await listener.close();
  return heardMs;
}
