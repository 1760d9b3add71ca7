/** An agent that other machines reach answers the networks of its conf alone. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { getHostFrame, hostInfo } from '../support/agent-messages.ts';
import { eventually } from '../support/eventually.ts';
import { CleanUps, startWorld } from './agent-world.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 });

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

/** No machine has such an address. */
const NOBODY = '240.0.0.0/4';
/** Not loopback; datagrams to this machine come from it too. */
const OWN_IP = Object.values(networkInterfaces())
  .flatMap(addresses => addresses ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

describe.runIf(OWN_IP !== undefined)('[udp] allow', () => {
  test.each(['mmsg', 'dgram'])('drops and counts what comes from elsewhere (%s)', async transport => {
    const udp = { ip: '0.0.0.0', port: 0, transport: process.platform === 'linux' ? transport : 'dgram', allow: NOBODY };
    const { agent, dns, asker, recording } = await startWorld(cleanUps, 'ours', { udp });
    dns.setRoute(1, 2, [hostInfo(1)]);
    expect((await asker.getHost({ modid: 1, cmdid: 2 })).host?.port).toBe(1);
    const socket = createSocket('udp4');
    cleanUps.add(() => socket.close());
    let answers = 0;
    socket.on('message', () => {
      answers += 1;
    });
    socket.bind(0, OWN_IP);
    await once(socket, 'listening');
    const metrics = async () => (await fetch(`http://127.0.0.1:${agent.httpPort}/metrics`)).text();
    await eventually('some are refused', async () => {
      socket.send(getHostFrame({ modid: 1, cmdid: 2, seq: 1 }), agent.udpPorts[0] as number, OWN_IP);
      return /^lars_agent_sender_refused_total\{shard="0"\} [1-9]/m.test(await metrics());
    });
    expect(answers).toBe(0);
    const said = recording.records.filter(({ event }) => event === 'datagrams from outside of [udp] allow are dropped');
    expect(said.map(({ fields }) => fields)).toMatchObject([{ sender: OWN_IP, allow: NOBODY }]);
    const { details } = (await (await fetch(`http://127.0.0.1:${agent.httpPort}/healthz`)).json()) as { details: object };
    expect(details).toMatchObject({ udpAllow: NOBODY });
    expect(details).not.toHaveProperty('exposed');
    expect((await asker.getHost({ modid: 1, cmdid: 2 })).host?.port).toBe(1);
  });
});
