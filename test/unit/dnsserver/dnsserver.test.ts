import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import { Feature } from '@lars/proto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startDnsserver } from '../../../dnsserver/src/dnsserver.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { connectAgent, requestFrame } from './agent-connection.ts';
import { change, dnsserverWorld, ONE, testConfig } from './dnsserver-world.ts';
import { INSERT_ROW, serverip, tempFile } from './route-world.ts';

const understandsAddr = { features: Feature.HostAddr };

describe('a request', () => {
  test('as the deployed agents send it gets the hosts of the module', async () => {
    const w = await dnsserverWorld({}, editor => editor.add(-7, 2, [{ host: '192.168.1.177:80' }, { host: '10.0.0.1:81' }]));
    const agent = await w.agent();
    expect(await agent.answer(-7, 2)).toMatchObject({
      modid: -7,
      cmdid: 2,
      host: [
        { ip: -1062731343, port: 80 },
        { ip: 0x0a000001, port: 81 },
      ],
      version: 2,
      notModified: false,
    });
  });

  test('for a module that does not exist gets no hosts, and hears of it when it does', async () => {
    const w = await dnsserverWorld();
    const agent = await w.agent();
    expect(await agent.answer(1, 1)).toMatchObject({ modid: 1, cmdid: 1, host: [], version: 0, notModified: false });
    await change(w, w.editor.import([ONE], 'add'));
    expect(await agent.nextText()).toBe('1/1 10.0.0.1:80');
  });

  test('that names the current version is told that; any other version gets the hosts', async () => {
    const w = await dnsserverWorld({}, editor => editor.import([ONE], 'add'));
    const agent = await w.agent();
    const { version } = await agent.answer(1, 1);
    expect(await agent.answer(1, 1, { version })).toMatchObject({ notModified: true, host: [], version });
    for (const other of [0, version - 1, version + 1, Number.MAX_SAFE_INTEGER])
      expect(await agent.answer(1, 1, { version: other })).toMatchObject({ notModified: false, host: [{ port: 80 }] });
    expect(await agent.answer(2, 2, { version })).toMatchObject({ notModified: false, host: [] });
    expect(await w.metric('lars_dnsserver_not_modified_total')).toBe(1);
  });

  test('is never told that a version is current which other processes may have given to other hosts', async () => {
    const w = await dnsserverWorld({}, editor => editor.import([ONE], 'add'));
    w.sql.exec("CREATE TRIGGER Closed BEFORE UPDATE ON RouteVersion BEGIN SELECT RAISE(ABORT, 'closed'); END");
    w.sql.exec('UPDATE RouteData SET serverport = 81');
    await w.dnsserver.poll();
    const agent = await w.agent();
    const { version } = await agent.answer(1, 1);
    expect(version).toBeGreaterThan(0);
    expect(await agent.answer(1, 1, { version })).toMatchObject({ notModified: false, host: [{ port: 81 }] });
  });

  test('gets hosts with addr only where they are understood', async () => {
    const w = await dnsserverWorld({}, editor => editor.add(1, 1, [{ host: '10.0.0.1:80' }, { host: 'db.example:81' }]));
    const [old, young] = [await w.agent(), await w.agent()];
    old.ask(1, 1);
    young.ask(1, 1, understandsAddr);
    expect([await old.nextText(), await young.nextText()]).toEqual(['1/1 10.0.0.1:80', '1/1 10.0.0.1:80 db.example:81']);
    await change(w, w.editor.add(1, 1, [{ host: '[::1]:82' }]));
    expect([await old.nextText(), await young.nextText()]).toEqual(['1/1 10.0.0.1:80', '1/1 10.0.0.1:80 db.example:81 [::1]:82']);
  });

  test('gets hosts that drain, marked, only where that is understood; others get the route without them', async () => {
    const w = await dnsserverWorld({}, editor => editor.add(1, 1, [{ host: '10.0.0.1:80' }, { host: '10.0.0.2:80' }]));
    const [old, young] = [await w.agent(), await w.agent()];
    await old.answer(1, 1, understandsAddr);
    await young.answer(1, 1, { features: Feature.HostAddr | Feature.Drain });
    await change(w, w.editor.setDrain(1, 1, ['10.0.0.1:80'], true));
    expect(await old.next()).toMatchObject({ host: [{ ip: 0x0a000002, drain: false }] });
    expect(await young.next()).toMatchObject({
      host: [
        { ip: 0x0a000001, drain: true },
        { ip: 0x0a000002, drain: false },
      ],
    });
    await change(w, w.editor.setDrain(1, 1, ['10.0.0.1:80'], false));
    expect([await old.nextText(), await young.nextText()]).toEqual(Array(2).fill('1/1 10.0.0.1:80 10.0.0.2:80'));
  });

  test('may come in pieces, or many together', async () => {
    const w = await dnsserverWorld({}, editor => editor.import([ONE, { ...ONE, modid: 2 }], 'add'));
    const agent = await w.agent();
    for (const byte of requestFrame(1, 1)) {
      agent.socket.write(Uint8Array.of(byte));
      await new Promise(setImmediate);
    }
    expect(await agent.nextText()).toBe('1/1 10.0.0.1:80');
    agent.socket.write(Buffer.concat([requestFrame(2, 1), requestFrame(1, 1), requestFrame(3, 1)]));
    expect([await agent.nextText(), await agent.nextText(), await agent.nextText()]).toEqual([
      '2/1 10.0.0.1:80',
      '1/1 10.0.0.1:80',
      '3/1',
    ]);
  });

  test('for more hosts than a message holds gets the first of them', async () => {
    const hosts = Array.from({ length: 6_000 }, (_, n) => ({ host: `192.168.0.1:${n + 1}` }));
    const w = await dnsserverWorld({}, editor => editor.add(1, 1, hosts));
    const agent = await w.agent();
    const { host } = await agent.answer(1, 1);
    expect(host.length).toBeGreaterThan(3_000);
    expect(host.map(each => each.port)).toEqual(Array.from({ length: host.length }, (_, n) => n + 1));
    await agent.answer(1, 1);
    expect(await w.metric('lars_dnsserver_truncated_routes_total')).toBe(1);
    expect(w.log.records.at(-1)?.fields).toEqual({ modid: 1, cmdid: 1, hosts: 6_000, leftOut: 6_000 - host.length });
  });
});

describe('a change', () => {
  test('reaches every connection that asked for the module, and no other', async () => {
    const w = await dnsserverWorld({}, editor => editor.import([ONE, { ...ONE, modid: 2 }], 'add'));
    const [first, second, third] = [await w.agent(), await w.agent(), await w.agent()];
    for (const agent of [first, second]) await agent.answer(1, 1);
    await third.answer(2, 1);
    await change(w, w.editor.add(1, 1, [{ host: '10.0.0.2:80' }]));
    expect([await first.nextText(), await second.nextText()]).toEqual([
      '1/1 10.0.0.1:80 10.0.0.2:80',
      '1/1 10.0.0.1:80 10.0.0.2:80',
    ]);
    await change(w, w.editor.add(2, 1, [{ host: '10.0.0.3:80' }]));
    expect(await third.nextText()).toBe('2/1 10.0.0.1:80 10.0.0.3:80');
    expect(await w.metric('lars_dnsserver_pushes_total')).toBe(3);
    expect(await w.metric('lars_dnsserver_pushed_modules_total')).toBe(2);
  });

  test('carries weight, zone and a version that grows; a removal has no hosts', async () => {
    const w = await dnsserverWorld({}, editor => editor.import([ONE], 'add'));
    const agent = await w.agent();
    const { version } = await agent.answer(1, 1);
    await change(w, w.editor.add(1, 1, [{ host: ONE.host, weight: 50, zone: 'eu' }]));
    expect(await agent.next()).toMatchObject({ host: [{ weight: 50, zone: 'eu' }], version: version + 1 });
    await change(w, w.editor.remove(1, 1));
    expect(await agent.next()).toMatchObject({ modid: 1, cmdid: 1, host: [], version: version + 2, notModified: false });
    await change(w, w.editor.import([ONE], 'add'));
    expect(await agent.next()).toMatchObject({ host: [{ port: 80 }], version: version + 3 });
  });

  test('made by hand in SQL is pushed like any other', async () => {
    const w = await dnsserverWorld({}, editor => editor.import([ONE], 'add'));
    const agent = await w.agent();
    await agent.answer(1, 1);
    w.sql.prepare(INSERT_ROW).run(1, 1, serverip('10.0.0.9'), 99);
    await w.dnsserver.poll();
    expect(await agent.nextText()).toBe('1/1 10.0.0.1:80 10.0.0.9:99');
    expect(await w.metric('lars_dnsserver_adopted_edits_total')).toBe(1);
  });

  test('of the version alone is not pushed, and is what later answers carry', async () => {
    const w = await dnsserverWorld({}, editor => editor.import([ONE], 'add'));
    const agent = await w.agent();
    const { version } = await agent.answer(1, 1);
    w.sql.exec('UPDATE RouteVersion SET version = 50; INSERT INTO RouteChange (modid, cmdid, version) VALUES (1, 1, 50)');
    await w.dnsserver.poll();
    expect(await agent.answer(1, 1, { version: 50 })).toMatchObject({ notModified: true, version: 50 });
    expect(await agent.answer(1, 1, { version })).toMatchObject({ notModified: false, version: 50 });
    expect(await w.metric('lars_dnsserver_pushes_total')).toBe(0);
  });

  test('asked for again and again in one go is answered as the peer reads, however much it is', async () => {
    const hosts = Array.from({ length: 200 }, (_, n) => ({ host: `10.0.0.1:${n + 1}` }));
    const w = await dnsserverWorld({ tcp: { max_write_buffer: 524_288 } }, editor => editor.add(1, 1, hosts));
    const agent = await w.agent();
    const asked = 4_000;
    agent.socket.write(Buffer.concat(Array.from({ length: asked }, () => requestFrame(1, 1))));
    for (let answered = 0; answered < asked; answered++) expect((await agent.next()).host).toHaveLength(200);
    expect(await w.metric('lars_dnsserver_tcp_closed_write_buffer_full_total')).toBe(0);
  });

  test('of very many modules arrives whole at a connection that asked for all of them', async () => {
    const modules = Array.from({ length: 5_000 }, (_, n) => ({ modid: n, cmdid: 1, host: '10.0.0.1:80' }));
    const w = await dnsserverWorld({ tcp: { max_write_buffer: 1_048_576 } }, editor => editor.import(modules, 'add'));
    const agent = await w.agent();
    for (const { modid } of modules) agent.ask(modid, 1);
    for (const _ of modules) await agent.next();
    expect(w.dnsserver.stats().subscriptions).toBe(5_000);
    await change(
      w,
      w.editor.import(
        modules.map(entry => ({ ...entry, host: '10.0.0.2:80' })),
        'replace',
      ),
    );
    const pushed = new Set<number>();
    while (pushed.size < 5_000) pushed.add((await agent.next()).modid);
    expect(agent.socket.destroyed).toBe(false);
  });

  test('is looked for by itself, and is there within moments', async () => {
    const w = await dnsserverWorld({ routes: { poll_interval: 10 } }, editor => editor.import([ONE], 'add'));
    const agent = await w.agent();
    await agent.answer(1, 1);
    await w.editor.add(1, 1, [{ host: '10.0.0.2:80' }]);
    expect(await agent.nextText()).toBe('1/1 10.0.0.1:80 10.0.0.2:80');
    w.sql.exec('UPDATE RouteData SET serverport = 90 WHERE id = 1');
    expect(await agent.nextText()).toBe('1/1 10.0.0.1:90 10.0.0.2:80');
  });
});

describe('what is told about it', () => {
  test('health: where it is, what it holds', async () => {
    const engine = { tcp: { engine: 'node' } } as const;
    const w = await dnsserverWorld(engine, editor => editor.add(1, 1, [{ host: '10.0.0.1:80' }, { host: '10.0.0.2:80' }]));
    const agent = await w.agent();
    await agent.answer(1, 1);
    expect(await w.health()).toMatchObject({
      status: 200,
      body: {
        service: 'dnsserver',
        status: 'ok',
        details: {
          tcp: `127.0.0.1:${w.dnsserver.tcpPort}`,
          engine: 'node',
          engineReason: 'node:net, as asked for',
          database: w.file,
          modules: 1,
          hosts: 2,
          connections: 1,
          subscriptions: 1,
          revision: 2,
        },
      },
    });
    for (const [name, value] of [
      ['modules', 1],
      ['hosts', 2],
      ['connections', 1],
      ['subscriptions', 1],
      ['revision', 2],
      ['empty_guard', 0],
      ['database_down', 0],
    ] as const)
      expect(await w.metric(`lars_dnsserver_${name}`)).toBe(value);
    agent.socket.destroy();
    while (w.dnsserver.stats().connections > 0) await new Promise(setImmediate);
    expect(await w.metric('lars_dnsserver_subscriptions')).toBe(0);
  });

  test('degraded while the removal guard keeps hosts; agents keep their hosts', async () => {
    const w = await dnsserverWorld({}, editor => editor.import([ONE], 'add'));
    w.sql.exec('DELETE FROM RouteData');
    await w.dnsserver.poll();
    const agent = await w.agent();
    expect(await agent.answer(1, 1)).toMatchObject({ host: [{ port: 80 }] });
    expect(await w.health()).toMatchObject({
      status: 200,
      body: {
        status: 'degraded',
        details: { emptyGuard: expect.stringMatching(/ 1 in 1 modules, since .*lars route restore.*lars route confirm/) },
      },
    });
    expect(await w.metric('lars_dnsserver_empty_guard')).toBe(1);
    expect(await w.metric('lars_dnsserver_kept_modules')).toBe(1);
    expect(await w.metric('lars_dnsserver_kept_hosts')).toBe(1);
    await change(w, w.editor.clear());
    expect(await agent.next()).toMatchObject({ host: [] });
    expect((await w.health()).body.status).toBe('ok');
  });

  test('degraded while the database does not answer; agents are served', async () => {
    const w = await dnsserverWorld({}, editor => editor.import([ONE], 'add'));
    w.sql.exec('ALTER TABLE RouteData RENAME TO Hidden; CREATE TABLE RouteData (id)');
    await w.dnsserver.poll();
    expect(await w.health()).toMatchObject({
      status: 200,
      body: { status: 'degraded', details: { outage: expect.any(String) } },
    });
    expect(await w.metric('lars_dnsserver_database_down')).toBe(1);
    expect(await (await w.agent()).answer(1, 1)).toMatchObject({ host: [{ port: 80 }] });
  });
});

describe('starting and stopping', () => {
  const log = recordingLog().log;

  test.each([
    ['tcp', 'TCP port 127.0.0.1:PORT (conf key [tcp] port) is taken: another process listens there'],
    ['http', 'HTTP port 127.0.0.1:PORT (conf key [http] port) is taken: another process listens there'],
  ] as const)('a taken port of [%s] is named', async (section, message) => {
    const squatter = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void squatter.close());
    await once(squatter, 'listening');
    const { port } = squatter.address() as AddressInfo;
    const file = tempFile();
    const error = await startDnsserver(testConfig(file, { [section]: { port } }), { log }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'StartupError', code: 'EADDRINUSE', message: message.replace('PORT', String(port)) });
    // Nothing of it is left: the same database and another port will do.
    const dnsserver = await startDnsserver(testConfig(file), { log });
    await dnsserver.stop();
  });

  test('a database that is none, or cannot be, is named', async () => {
    const file = tempFile();
    writeFileSync(file, 'This is no database, but it is long enough to be taken for one at first sight.'.repeat(20));
    await expect(startDnsserver(testConfig(file), { log })).rejects.toMatchObject({
      name: 'StartupError',
      message: `database ${file} (conf key [database] file) cannot be opened: file is not a database`,
    });
    const folder = path.join(path.dirname(file), 'folder');
    mkdirSync(folder);
    await expect(startDnsserver(testConfig(folder), { log })).rejects.toThrow(
      `database ${folder} (conf key [database] file) cannot be opened`,
    );
  });

  test('a stop ends connections in order, within half a second, and may be said twice', async () => {
    const w = await dnsserverWorld({ routes: { poll_interval: 10 } }, editor => editor.import([ONE], 'add'));
    const agents = [await w.agent(), await w.agent()];
    for (const agent of agents) await agent.answer(1, 1);
    const begun = performance.now();
    await Promise.all([w.dnsserver.stop(), w.dnsserver.stop()]);
    expect(performance.now() - begun).toBeLessThan(500);
    await Promise.all(agents.map(agent => agent.closed));
    await expect(connectAgent(w.dnsserver.tcpPort)).rejects.toThrow();
    await expect(w.health()).rejects.toThrow();
  });
});
