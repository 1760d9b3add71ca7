/** More than a hundred thousand broken streams at the real dnsserver and the real reporter, each a process of its own. */
import { encodeFrame, MessageId } from '@lars/proto';
import { afterEach, expect, test } from 'vitest';
import { throwMutantStreams } from '../support/fuzz-tcp.ts';
import { parsePrometheus, sampleValue } from '../support/prometheus-text.ts';
import { testSeed } from '../support/seeded-random.ts';
import { TcpPeer } from '../support/tcp-peer.ts';
import { LarsFolder } from './cli-process.ts';

/** The heap has its working size after these; a leak goes on growing. */
const WARM_UP = 75_000;
const STREAMS = WARM_UP + 50_000;
/** Garbage of one heap, which grows in steps of some 30 MB when a collection comes late, but not 1,400 bytes for each stream. */
const MAX_GROWTH_BYTES = 64 * 1_024 * 1_024;

const REPORT = {
  modid: 1,
  cmdid: 2,
  caller: -1,
  results: [{ ip: 167_772_165, port: 80, succ: 3, err: 1, overload: true, addr: '', weight: 0, tcost: 5, probes: 0 }],
  ts: Math.floor(Date.now() / 1_000),
  seq: 0,
  agent: '',
};
const NUMBERED = { ...REPORT, seq: 1, agent: 'good' };
const ASK = encodeFrame(MessageId.GetRouteRequest, { modid: 1, cmdid: 2, version: 0, features: 1 });
const FRAMES = [
  ASK,
  encodeFrame(MessageId.GetRouteRequest, { modid: -3, cmdid: 2 ** 31 - 1, version: 2 ** 40, features: 0 }),
  encodeFrame(MessageId.ReportStatusRequest, REPORT),
  encodeFrame(MessageId.ReportStatusRequest, { ...NUMBERED, agent: 'bad' }),
  encodeFrame(MessageId.GetRouteResponse, { modid: 1, cmdid: 2, host: [], version: 9, overload: false, notModified: false }),
];

const folder = new LarsFolder();
afterEach(() => folder.dispose());

test.each([
  { name: 'dnsserver' as const, ask: ASK, answerId: MessageId.GetRouteResponse },
  { name: 'reporter' as const, ask: encodeFrame(MessageId.ReportStatusRequest, NUMBERED), answerId: MessageId.ReportStatusAck },
])(
  `$name takes ${STREAMS} mutated streams: it lives, answers, and does not grow`,
  async ({ name, ask, answerId }) => {
    const seed = testSeed();
    folder.writeStandardConf();
    const service = folder.start([name, '--json']);
    const { tcpPort, httpPort } = (await service.ready)[name];
    const samples = async () => parsePrometheus(await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text());
    const residentBytes = async () => sampleValue(await samples(), 'process_resident_memory_bytes');
    const throwSome = (streams: number, from: number) =>
      throwMutantStreams({ port: tcpPort, frames: FRAMES, streams, connections: 16, seed: from });

    await throwSome(WARM_UP, seed);
    const before = await residentBytes();
    const result = await throwSome(STREAMS - WARM_UP, seed + WARM_UP);
    expect(result.taken + result.closed, `seed ${seed}`).toBe(STREAMS - WARM_UP);
    expect((await residentBytes()) - before, `seed ${seed}`).toBeLessThan(MAX_GROWTH_BYTES);

    for (const reason of ['bad_length', 'bad_message_id', 'bad_body']) {
      const closed = sampleValue(await samples(), `lars_${name}_tcp_closed_${reason}_total`);
      expect(closed, `seed ${seed}: ${reason}`).toBeGreaterThan(STREAMS / 100);
    }

    const good = await TcpPeer.connect(tcpPort);
    good.write(ask);
    expect((await good.frame(0)).id, `seed ${seed}`).toBe(answerId);
    good.destroy();
    service.signal('SIGTERM');
    expect((await service.ended).code, `seed ${seed}`).toBe(0);
  },
  240_000,
);
