import { encodeFrame, HEADER_BYTES, MAX_BODY_BYTES, MessageId, writeHeader } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { requestFrame } from './agent-connection.ts';
import { change, dnsserverWorld, ONE } from './dnsserver-world.ts';

/** A frame with whatever is given. */
function frame(id: number, bodyBytes: number, body: readonly number[] = []): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + body.length);
  writeHeader(bytes, 0, id, bodyBytes);
  bytes.set(body, HEADER_BYTES);
  return bytes;
}

describe('bad input closes its own connection, is counted, and nobody else notices', () => {
  const status = { modid: 1, cmdid: 1, caller: 1, results: [], ts: 1, seq: 0, agent: '' };

  test.each<[string, Uint8Array, string]>([
    ['a negative length', frame(1, -1), 'closed_bad_length'],
    ['a length beyond the largest', frame(1, MAX_BODY_BYTES + 1), 'closed_bad_length'],
    ['an id that nobody knows', frame(77, 0), 'closed_bad_message_id'],
    ['the id that is never sent', frame(0, 0), 'closed_bad_message_id'],
    ["our own answer's id", frame(2, 0), 'closed_bad_message_id'],
    ["the reporter's message", encodeFrame(MessageId.ReportStatusRequest, status), 'closed_bad_message_id'],
    ["the agent's message", frame(MessageId.ApiGetRouteRequest, 0), 'closed_bad_message_id'],
    ['a body that breaks off', frame(1, 1, [0x08]), 'closed_bad_body'],
    ['a body with a group that nobody opened', frame(1, 2, [0x0c, 0x00]), 'closed_bad_body'],
    ['a body with field number 0', frame(1, 2, [0x00, 0x00]), 'closed_bad_body'],
  ])('%s', async (_, bytes, counter) => {
    const w = await dnsserverWorld({}, editor => editor.import([ONE], 'add'));
    const [good, bad] = [await w.agent(), await w.agent()];
    await good.answer(1, 1);
    await bad.answer(1, 1);
    bad.socket.write(Buffer.concat([bytes, requestFrame(1, 1)]));
    await bad.closed;
    expect(await w.metric(`lars_dnsserver_tcp_${counter}_total`)).toBe(1);
    expect(w.dnsserver.stats()).toMatchObject({ connections: 1, subscriptions: 1 });
    expect(await w.metric('lars_dnsserver_requests_total')).toBe(counter === 'closed_bad_body' ? 3 : 2);
    await change(w, w.editor.add(1, 1, [{ host: '10.0.0.2:80' }]));
    expect(await good.nextText()).toBe('1/1 10.0.0.1:80 10.0.0.2:80');
    expect(w.log.records.filter(record => record.level === 'error')).toEqual([]);
  });

  test('half a frame and then silence', async () => {
    const w = await dnsserverWorld({ tcp: { partial_frame_timeout: 20 } });
    const [good, bad] = [await w.agent(), await w.agent()];
    bad.socket.write(requestFrame(1, 1).subarray(0, 9));
    await bad.closed;
    expect(await w.metric('lars_dnsserver_tcp_closed_partial_frame_total')).toBe(1);
    expect(await good.answer(1, 1)).toMatchObject({ host: [] });
  });

  test('a peer that never reads', async () => {
    const hosts = Array.from({ length: 4_000 }, (_, n) => ({ host: `10.0.0.1:${n + 1}` }));
    const w = await dnsserverWorld({ tcp: { max_write_buffer: 65_536 } }, editor => editor.add(1, 1, hosts));
    const [good, bad] = [await w.agent(), await w.agent()];
    bad.socket.pause();
    for (let n = 0; n < 2_000; n += 1) bad.ask(1, 1);
    // What the kernel has taken may leave a backlog for which it is only not read from any more; a push comes on top.
    for (let drained = true; w.dnsserver.stats().connections > 1; drained = !drained) {
      await new Promise(setImmediate);
      await change(w, w.editor.setDrain(1, 1, ['10.0.0.1:1'], drained));
    }
    await eventually('it is counted', async () => (await w.metric('lars_dnsserver_tcp_closed_write_buffer_full_total')) === 1);
    expect((await good.answer(1, 1)).host.length).toBeGreaterThan(3_000);
    expect(w.dnsserver.stats().subscriptions).toBe(1);
  });

  test('beyond the limit of connections, one that has asked nothing for a minute makes room; a quicker one does not', async () => {
    let nowMs = 0;
    const w = await dnsserverWorld({ tcp: { max_connections: 2 } }, undefined, { monotonicMs: () => nowMs });
    const [silent, agent] = [await w.agent(), await w.agent()];
    await agent.answer(1, 1);
    nowMs = 59_999;
    await agent.answer(1, 1);
    const early = await w.agent();
    await early.closed;
    nowMs = 60_000;
    const late = await w.agent();
    await silent.closed;
    await late.answer(1, 1);
    await agent.answer(1, 1);
    expect(await w.metric('lars_dnsserver_tcp_closed_quiet_total')).toBe(1);
    expect(await w.metric('lars_dnsserver_tcp_refused_total')).toBe(1);
  });

  test('more connections than allowed', async () => {
    const w = await dnsserverWorld({ tcp: { max_connections: 1 } });
    const first = await w.agent();
    await first.answer(1, 1);
    const second = await w.agent();
    await second.closed;
    expect(await w.metric('lars_dnsserver_tcp_refused_total')).toBe(1);
    expect(await first.answer(1, 1)).toMatchObject({ host: [] });
  });

  test('more subscriptions than allowed are answered, not subscribed', async () => {
    const w = await dnsserverWorld({ tcp: { max_subscriptions: 2 } });
    const agent = await w.agent();
    for (const modid of [1, 2, 3, 2]) expect(await agent.answer(modid, 1)).toMatchObject({ modid });
    expect(w.dnsserver.stats().subscriptions).toBe(2);
    expect(await w.metric('lars_dnsserver_subscriptions_refused_total')).toBe(1);
    await change(w, w.editor.import([{ ...ONE, modid: 3 }], 'add'));
    await change(w, w.editor.import([{ ...ONE, modid: 2 }], 'add'));
    expect(await agent.nextText()).toBe('2/1 10.0.0.1:80');
  });
});
