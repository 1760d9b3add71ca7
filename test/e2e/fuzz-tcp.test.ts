import { decodeBody, encodeFrame, LarsProtocolError, MessageId } from '@lars/proto';
import type { FramedConnection } from '@lars/runtime/tcp/framed-connection';
import { FramedServer, type TcpServerCounter } from '@lars/runtime/tcp/framed-server';
import { afterEach, expect, test } from 'vitest';
import { hostInfos } from '../support/agent-messages.ts';
import { eventually } from '../support/eventually.ts';
import { throwMutantStreams } from '../support/fuzz-tcp.ts';
import { recordingLog } from '../support/recording-log.ts';
import { testSeed } from '../support/seeded-random.ts';
import { rawFrame, TcpPeer } from '../support/tcp-peer.ts';
import { CleanUps } from './agent-world.ts';

const STREAMS = 4_000;

const ROUTE = { modid: 1, cmdid: 2, host: hostInfos(3), version: 9, overload: false, notModified: false };
const REPORT = {
  modid: 1,
  cmdid: 2,
  caller: -1,
  results: [{ ip: -1, port: 80, succ: 3, err: 1, overload: true, addr: '', weight: 0, tcost: 5, probes: 0 }],
  ts: 1_700_000_000,
  seq: 7,
  agent: 'a',
};
const ASK = encodeFrame(MessageId.GetRouteRequest, { modid: 1, cmdid: 2, version: 2 ** 40, features: 1 });
const FRAMES = [
  ASK,
  encodeFrame(MessageId.GetRouteRequest, { modid: -3, cmdid: 2 ** 31 - 1, version: 0, features: 0 }),
  encodeFrame(MessageId.ReportStatusRequest, REPORT),
  encodeFrame(MessageId.GetRouteResponse, ROUTE),
  encodeFrame(MessageId.ReportStatusAck, { agent: 'a', seq: 7 }),
  rawFrame(MessageId.GetRouteRequest, new Uint8Array(2_000)),
];

const CLOSED: readonly TcpServerCounter[] = [
  'closedByRemote',
  'closedBadLength',
  'closedBadMessageId',
  'closedBadBody',
  'closedPartialFrame',
];

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

/** Speaks two messages, and answers both with a route. */
function answer(connection: FramedConnection, id: number, body: Uint8Array): void {
  if (id !== MessageId.GetRouteRequest && id !== MessageId.ReportStatusRequest)
    throw new LarsProtocolError('BAD_MESSAGE_ID', `message id ${id} is not spoken here`);
  decodeBody(id, body);
  connection.send(encodeFrame(MessageId.GetRouteResponse, ROUTE));
}

test(`a framed server takes ${STREAMS} mutated streams: each ends alone, for a reason that is counted, and good peers do not notice`, async () => {
  const seed = testSeed();
  const { log, records } = recordingLog();
  const limits = { maxBodyBytes: 65_527, partialFrameTimeoutMs: 1_000, maxWriteBufferBytes: 1_000_000 };
  const server = new FramedServer(
    { ip: '127.0.0.1', port: 0, confKey: 'port', maxConnections: 100, limits, log },
    { onFrame: answer },
  );
  await server.listen();
  cleanUps.add(() => server.close(0));
  const good = await TcpPeer.connect(server.port);
  cleanUps.add(() => good.destroy());

  let thrown = false;
  const throwing = throwMutantStreams({
    port: server.port,
    frames: FRAMES,
    streams: STREAMS,
    connections: 8,
    seed,
  });
  const asking = (async () => {
    let answers = 0;
    while (!thrown) {
      good.write(ASK);
      await good.frame(answers++);
    }
    return answers;
  })();
  const result = await throwing.finally(() => {
    thrown = true;
  });

  expect(result.taken + result.closed, `seed ${seed}`).toBe(STREAMS);
  expect(await asking, `seed ${seed}`).toBeGreaterThan(10);
  expect(good.closed, `seed ${seed}`).toBe(false);
  await eventually('all their connections are closed', () => server.connections.size === 1);
  const counters = server.counters.toObject();
  expect({ seed, accepted: counters.accepted }).toEqual({ seed, accepted: STREAMS + 1 });
  expect(
    CLOSED.reduce((sum, name) => sum + counters[name], 0),
    `seed ${seed}`,
  ).toBe(STREAMS);
  for (const name of CLOSED.filter(reason => reason !== 'closedPartialFrame')) {
    expect(counters[name], `seed ${seed}: ${name}`).toBeGreaterThan(STREAMS / 100);
  }
  expect({ seed, records }).toEqual({ seed, records: [] });
}, 120_000);
