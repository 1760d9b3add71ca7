import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeFrame, MessageId } from '@lars/proto';
import { batchFrame, getHostFrame, getRouteFrame, namedHost, reportFrame } from '../../../test/support/agent-messages.ts';
import { below, mutantOf, pick } from '../../../test/support/fuzz.ts';
import { throwMutantStreams } from '../../../test/support/fuzz-tcp.ts';
import { NOISE } from '../system.ts';
import { FAULT_MS, type Fault, type FaultWorld } from './fault.ts';

const IP = '127.0.0.1';
const SHARDS = 3;
const TICK_MS = 10;
/** Datagrams a second: many for one process, and fewer than what makes the kernel drop those of the callers. */
const MUTANTS = 1_000;
const UNKNOWN_MODULES = 2_000;
const HUGE_BATCHES = 300;
const SLOW_CONNECTIONS = 80;

const host = { ip: 0x0a00_0001, port: 80, succ: 1, err: 0, overload: false, addr: '', weight: 0, tcost: 1, probes: 0 };
const UDP_FRAMES = [
  getHostFrame({ ...NOISE, seq: 7, features: 1 }),
  getRouteFrame({ ...NOISE, version: 5, features: 1 }),
  reportFrame({ ...NOISE, host: namedHost('db.example'), tcost: 250 }),
  batchFrame({ ...NOISE, results: [{ ...namedHost('db.example'), succ: 3, err: 1, tcost: 90 }] }),
];
const TCP_FRAMES = [
  encodeFrame(MessageId.GetRouteRequest, { ...NOISE, version: 0, features: 0 }),
  encodeFrame(MessageId.ReportStatusRequest, { ...NOISE, caller: 1, results: [host], ts: 1, seq: 1, agent: 'noise' }),
];

export const TRAFFIC_FAULTS: readonly Fault[] = [
  {
    kind: 'mutant-datagrams',
    text: `${MUTANTS.toLocaleString('en')} mutated datagrams a second to the agent`,
    allowance: 'none',
    run: world => sendDatagrams(world, MUTANTS, () => mutantOf(UDP_FRAMES, world.random)),
  },
  {
    kind: 'unknown-modules',
    text: `${UNKNOWN_MODULES.toLocaleString('en')} requests a second for modules that do not exist`,
    allowance: 'none',
    run: world =>
      sendDatagrams(world, UNKNOWN_MODULES, () =>
        getHostFrame({ seq: 1, modid: NOISE.modid + below(2 ** 30, world.random), cmdid: below(2 ** 30, world.random) }),
      ),
  },
  {
    kind: 'huge-batches',
    text: `${HUGE_BATCHES} datagrams a second that report 100,000 calls each`,
    allowance: 'none',
    run: world => {
      const [ip = '', port = ''] = (world.hosts[0]?.address ?? '').split(':');
      const results = [{ ip: addressNumber(ip), port: Number(port), succ: 99_000, err: 1_000, tcost: 2_000 }];
      return sendDatagrams(world, HUGE_BATCHES, () => batchFrame({ ...NOISE, results }));
    },
  },
  {
    kind: 'mutant-streams',
    text: 'mutated frames to the TCP ports of both dnsservers and both reporters',
    allowance: 'none',
    async run({ system, random }) {
      for (const port of [...system.tcpPorts.dnsserver, ...system.tcpPorts.reporter])
        await throwMutantStreams({ port, frames: TCP_FRAMES, streams: 400, connections: 4, seed: 1 + below(2 ** 30, random) });
    },
  },
  {
    kind: 'slow-http',
    text: `${SLOW_CONNECTIONS} HTTP connections to each service that send a byte now and then`,
    allowance: 'none',
    async run({ system }) {
      const sockets = system.httpPorts.flatMap(port => Array.from({ length: SLOW_CONNECTIONS }, () => slowConnection(port)));
      try {
        for (const byte of 'GET /healthz') {
          for (const socket of sockets) if (!socket.destroyed && !socket.connecting) socket.write(byte);
          await sleep(FAULT_MS / 12);
        }
        // Whoever looks meanwhile is answered.
        for (const service of system.services) {
          if ((await service.health()) === undefined) throw new Error(`${service.name}: /healthz does not answer`);
        }
      } finally {
        for (const socket of sockets) socket.destroy();
      }
    },
  },
];

async function sendDatagrams({ system, random }: FaultWorld, perSec: number, next: () => Uint8Array): Promise<void> {
  const socket = createSocket('udp4');
  socket.on('error', () => undefined);
  socket.bind(0, IP);
  await once(socket, 'listening');
  try {
    for (let ms = 0; ms < FAULT_MS; ms += TICK_MS) {
      for (let sent = 0; sent < (perSec * TICK_MS) / 1_000; sent++)
        socket.send(next(), pick(portsFrom(system.udpPort), random), IP);
      await sleep(TICK_MS);
    }
  } finally {
    socket.close();
  }
}

function portsFrom(first: number): readonly number[] {
  return Array.from({ length: SHARDS }, (_, shard) => first + shard);
}

function slowConnection(port: number): Socket {
  // That it is closed is what the service may do with it.
  return connect(port, IP)
    .on('error', () => undefined)
    .resume();
}

function addressNumber(ip: string): number {
  return ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}
