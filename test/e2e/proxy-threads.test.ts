/** A thread of a built proxy dies: the others accept for it, what it had ends, and it comes back. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { EchoLoad, startEchoServer, talk } from '../support/echo-load.ts';
import { eventually } from '../support/eventually.ts';
import { parsePrometheus, sampleValue } from '../support/prometheus-text.ts';
import { nativeKinds } from '../support/running-engines.ts';
import { CleanUps } from './agent-world.ts';
import { startProxyWorld } from './proxy-world.ts';

const PRELOAD = path.join(import.meta.dirname, '../support/thread-faults.mjs');
const TIMEOUT_MS = 60_000;
const KEPT = 16;

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

test.each(nativeKinds)(
  'a thread that dies, %s: its connections are reset, no other is refused, and no descriptor stays',
  async kind => {
    const { host, close } = await startEchoServer();
    cleanUps.add(close);
    const world = await startProxyWorld(cleanUps, {
      routes: { '10/1': [host] },
      conf: `[proxy]\nengine = ${kind}\nthreads = 2\nlog_lines = 0\n[listen inet]\naddress = 127.0.0.1:0\nmodule = 10/1\n[listen unix]\naddress = unix:proxy.sock\nmodule = 10/1\n`,
      start: { nodeArgs: ['--import', PRELOAD] },
    });
    const pid = (await world.status()).pid;
    const samples = async () => parsePrometheus(await (await fetch(`http://127.0.0.1:${world.httpPort}/metrics`)).text());
    const openFiles = () => readdirSync(`/proc/${pid}/fd`).length;
    const inet = { host: '127.0.0.1', port: world.port };
    const places = [inet, { path: path.join(world.folder.path, 'proxy.sock') }];
    (await talk(inet, 'first')).destroy();
    await eventually('it is over', async () => (await world.status()).connections === 0);
    const before = openFiles();
    const kept = await Promise.all(Array.from({ length: KEPT }, () => talk(inet, 'kept')));
    const lost = () => kept.filter(socket => socket.destroyed).length;
    for (const socket of kept) socket.on('error', () => undefined);
    const load = new EchoLoad(places, 6);
    await eventually('the load', () => load.answered > 50);
    // The first thread has the UNIX socket.
    world.folder.write('die-proxy-0', '');
    await world.proxy.logged('a thread has died');
    await eventually('some are lost', () => lost() > 0);
    expect(lost()).toBeLessThan(KEPT);
    await world.proxy.logged('a thread is started again');
    await eventually('it is there again', async () => (await world.health()).status === 'ok');
    // It has its sockets again, and those of both threads are accepted from.
    const accepted = async () => {
      const all = await samples();
      return ['0', '1'].map(thread => sampleValue(all, 'lars_proxy_accepted_total', { thread }));
    };
    const seen = await accepted();
    await eventually('both accept', async () => (await accepted()).every((count, thread) => count > (seen[thread] ?? 0) + 20));
    await load.end();
    // Only what the thread had in that moment.
    expect(load.errors.length).toBeLessThanOrEqual(6);
    expect(load.longestMs).toBeLessThan(5_000);
    expect((await world.health()).details).toMatchObject({ threadRestarts: 1 });
    const after = await samples();
    expect(sampleValue(after, 'lars_proxy_thread_restarts_total', { thread: '0' })).toBe(1);
    expect(sampleValue(after, 'lars_proxy_thread_dead', { thread: '0' })).toBe(0);
    const open = kept.filter(socket => !socket.destroyed);
    await eventually('those of the load have ended', async () => (await world.status()).connections === open.length);
    for (const socket of open) socket.destroy();
    await eventually('no descriptor has stayed', () => openFiles() <= before);
    expect((await world.proxy.interrupt()).code).toBe(0);
  },
  TIMEOUT_MS,
);
