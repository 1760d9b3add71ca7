import { encodeFrame, HEADER_BYTES, MAX_BODY_BYTES, MessageId, writeHeader } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import { MemoryStatusStore } from '../../../reporter/src/store/memory-status-store.ts';
import { numbered, report } from './report-samples.ts';
import { startTestReporter, TestAgent, until } from './reporter-world.ts';

async function world(conf = '') {
  const store = new MemoryStatusStore();
  const reporter = await startTestReporter({ store, conf });
  const [bad, good] = [await TestAgent.connect(reporter), await TestAgent.connect(reporter)];
  return { store, reporter, bad, good };
}

function frame(id: number, body: readonly number[], announced = body.length): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + body.length);
  writeHeader(bytes, 0, id, announced);
  bytes.set(body, HEADER_BYTES);
  return bytes;
}

describe('costs the sender its connection, is counted, and nobody else notices', () => {
  const REPORT = MessageId.ReportStatusRequest;
  test.each([
    { what: 'message id 0', counter: 'closedBadMessageId', bytes: frame(0, []) },
    { what: 'an unknown message id', counter: 'closedBadMessageId', bytes: frame(99, []) },
    { what: 'a negative message id', counter: 'closedBadMessageId', bytes: frame(-3, []) },
    { what: 'a message for dnsserver', counter: 'closedBadMessageId', bytes: frame(MessageId.GetRouteRequest, []) },
    { what: 'a message for an agent', counter: 'closedBadMessageId', bytes: frame(MessageId.ReportStatusAck, []) },
    { what: 'a negative length', counter: 'closedBadLength', bytes: frame(REPORT, [], -1) },
    { what: 'a length above the limit', counter: 'closedBadLength', bytes: frame(REPORT, [], MAX_BODY_BYTES + 1) },
    { what: 'a body that ends in a field', counter: 'closedBadBody', bytes: frame(REPORT, [0x08]) },
    { what: 'a result that is longer than the body', counter: 'closedBadBody', bytes: frame(REPORT, [0x22, 0x7f, 0x08]) },
    { what: 'an agent that is no text', counter: 'closedBadBody', bytes: frame(REPORT, [0x3a, 0x01, 0xff]) },
    {
      what: 'an agent with 256 characters',
      counter: 'closedBadBody',
      bytes: encodeFrame(REPORT, numbered(1, { agent: 'a'.repeat(256) })),
    },
    {
      what: 'a seq that no number holds',
      counter: 'closedBadBody',
      bytes: frame(REPORT, [0x30, ...Array(9).fill(0xff), 0x01, 0x3a, 0x01, 0x61]),
    },
  ] as const)('$what', async ({ counter, bytes }) => {
    const { store, reporter, bad, good } = await world();
    bad.sendBytes(encodeFrame(REPORT, report({ modid: 5 })), bytes, encodeFrame(REPORT, report({ modid: 6 })));
    await bad.closed;
    good.send(numbered(1, { agent: 'a'.repeat(255) }));
    await good.acked(1);
    expect(reporter.tcpCounters.get(counter)).toBe(1);
    // What came before the bad message counts, what came after does not.
    expect(await store.readStatus(5, 2)).toHaveLength(1);
    expect(await store.readStatus(6, 2)).toHaveLength(0);
    expect(reporter.stats().connections).toBe(1);
  });

  test('half a message and then silence', async () => {
    const { reporter, bad, good } = await world('[tcp]\npartial_frame_timeout = 0.05\n');
    bad.sendBytes(encodeFrame(REPORT, report()).subarray(0, 11));
    await bad.closed;
    good.send(numbered(1));
    await good.acked(1);
    expect(reporter.tcpCounters.get('closedPartialFrame')).toBe(1);
  });

  test('never reading what is said', async () => {
    const { reporter, bad, good } = await world('[tcp]\nmax_write_buffer = 65536\n');
    const agent = 'a'.repeat(255);
    bad.send(numbered(1, { agent }));
    await bad.acked(1);
    bad.socket.pause();
    const again = encodeFrame(REPORT, numbered(1, { agent, results: [] }));
    const many = Buffer.concat(Array.from({ length: 1_000 }, () => again));
    // More than the kernel keeps for one who does not read.
    for (let i = 0; i < 100 && reporter.tcpCounters.get('closedWriteBufferFull') === 0; i++) {
      await new Promise(resolve => bad.socket.write(many, resolve));
    }
    await until(() => reporter.tcpCounters.get('closedWriteBufferFull') === 1);
    good.send(numbered(1));
    await good.acked(1);
  });
});

test('an addition that is not known is ignored', async () => {
  const { good } = await world();
  const known = encodeFrame(MessageId.ReportStatusRequest, numbered(1)).subarray(HEADER_BYTES);
  good.sendBytes(frame(MessageId.ReportStatusRequest, [...known, 0xa0, 0x06, 0x07]));
  await good.acked(1);
});

test('messages may come in any pieces', async () => {
  const { good } = await world();
  const bytes = [1, 2, 3].map(seq => encodeFrame(MessageId.ReportStatusRequest, numbered(seq)));
  for (const byte of Buffer.concat(bytes)) good.sendBytes(Uint8Array.of(byte));
  await good.acked(3);
});

test('connections beyond max_connections are refused, and those that are there go on', async () => {
  const { reporter, good } = await world('[tcp]\nmax_connections = 2\n');
  const third = new TestAgent(reporter.tcpPort);
  await third.closed;
  expect(reporter.tcpCounters.get('refused')).toBe(1);
  good.send(numbered(1));
  await good.acked(1);
});
