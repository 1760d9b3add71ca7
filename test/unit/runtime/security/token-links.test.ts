import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';
import { decodeBody, encodeFrame, MessageId } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import { newNonce, proofOf } from '../../../../runtime/src/security/link-proof.ts';
import { NO_SECURITY } from '../../../../runtime/src/security/link-security.ts';
import { eventually } from '../../../support/eventually.ts';
import { rawFrame, TcpPeer } from '../../../support/tcp-peer.ts';
import { OTHER_TOKEN, TOKEN } from '../../../support/test-certificates.ts';
import { cleanUps, dial, LONG_MS, QUESTION, SHORT_MS, serve, withToken } from './link-world.ts';

describe('a token', () => {
  test('lets in who knows it', async () => {
    const { port, server } = await serve(withToken(TOKEN));
    const { answered } = dial(port, withToken(TOKEN));
    await answered();
    expect(server.counters.get('refusedToken')).toBe(0);
  });

  test('may be another line of the file of the server', async () => {
    const { port } = await serve(withToken(TOKEN, OTHER_TOKEN));
    await dial(port, withToken(OTHER_TOKEN, TOKEN)).answered();
  });

  test('never travels', async () => {
    const { port } = await serve(withToken(TOKEN));
    let bytes = '';
    const relay = createServer(near => {
      const far = createConnection(port, '127.0.0.1');
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        from.on('error', () => undefined).on('close', () => to.destroy());
        from.on('data', chunk => {
          bytes += chunk.toString('latin1');
          to.write(chunk);
        });
      }
      cleanUps.push(() => far.destroy());
    });
    relay.listen(0, '127.0.0.1');
    await once(relay, 'listening');
    cleanUps.push(() => relay.close());
    await dial((relay.address() as { port: number }).port, withToken(TOKEN)).answered();
    expect(bytes.length).toBeGreaterThan(200);
    expect(bytes).not.toContain(TOKEN);
    expect(bytes).not.toContain(TOKEN.slice(0, 8));
  });

  test('another one: both sides say so, once for many attempts', async () => {
    const { port, server, recording } = await serve(withToken(TOKEN));
    const client = dial(port, withToken(OTHER_TOKEN));
    const { event, fields } = await client.failure();
    expect(event).toBe('server: cannot connect, retrying until it answers');
    expect(fields['error']).toContain('it does not take our token');
    await eventually('many attempts', () => server.counters.get('refusedToken') >= 5);
    expect(client.recording.records).toHaveLength(1);
    expect(recording.records).toMatchObject([
      { level: 'warn', event: 'a connection was refused: token', fields: { error: 'it has another token' } },
    ]);
    expect(JSON.stringify([recording.records, client.recording.records])).not.toContain('token-that-is-long-enough');
    expect(client.told).toEqual([]);
  });

  test('a client without one is refused, and learns what is missing when it waits for it', async () => {
    const { port, recording, open } = await serve(withToken(TOKEN));
    const deployed = await TcpPeer.connect(port);
    deployed.write(rawFrame(MessageId.GetRouteRequest, [8, 1]));
    await deployed.whenClosed();
    expect(recording.records[0]?.fields['error']).toBe('it has no token: it sent something else first');
    expect(open).toEqual([]);
    expect(deployed.frames.map(({ id }) => id)).toEqual([MessageId.LinkChallenge]);
  });

  test.each([
    ['nothing', []],
    ['half a proof', rawFrame(MessageId.LinkProof, [10, 64], 200)],
  ])('%s within the time is refused', async (_, bytes) => {
    const { port, recording, server } = await serve(withToken(TOKEN), SHORT_MS);
    const silent = await TcpPeer.connect(port);
    silent.write(Uint8Array.from(bytes));
    await silent.whenClosed();
    expect(recording.records[0]?.fields['error']).toBe(`it did not prove that it knows the token within ${SHORT_MS} ms`);
    expect(server.counters.get('refusedToken')).toBe(1);
  });

  test.each([
    ['a proof that does not parse', rawFrame(MessageId.LinkProof, [255])],
    ['a length that is too large', rawFrame(MessageId.LinkProof, [], 1_025)],
    ['a proof of nothing', encodeFrame(MessageId.LinkProof, { nonce: '', proof: '' })],
    ['an acceptance', encodeFrame(MessageId.LinkAccepted, { proof: '' })],
  ])('%s is refused', async (_, bytes) => {
    const { port, server, open } = await serve(withToken(TOKEN));
    const forger = await TcpPeer.connect(port);
    forger.write(bytes);
    await forger.whenClosed();
    expect(server.counters.get('refusedToken')).toBe(1);
    expect(open).toEqual([]);
  });

  test('a proof that was heard on another connection is refused', async () => {
    const { port, server } = await serve(withToken(TOKEN));
    const first = await TcpPeer.connect(port);
    const agent = newNonce();
    const nonces = { server: decodeBody(MessageId.LinkChallenge, (await first.frame(0)).body).nonce, agent };
    const heard = encodeFrame(MessageId.LinkProof, { nonce: agent, proof: proofOf(TOKEN, 'agent', nonces) });
    first.write(heard);
    expect((await first.frame(1)).id).toBe(MessageId.LinkAccepted);
    const second = await TcpPeer.connect(port);
    await second.frame(0);
    second.write(heard);
    await second.whenClosed();
    expect(server.counters.get('refusedToken')).toBe(1);
  });

  test('what is sent right behind the proof is not lost', async () => {
    const { port } = await serve(withToken(TOKEN));
    const eager = await TcpPeer.connect(port);
    const { nonce: server } = decodeBody(MessageId.LinkChallenge, (await eager.frame(0)).body);
    const agent = newNonce();
    const proof = proofOf(TOKEN, 'agent', { server, agent });
    eager.write(
      encodeFrame(MessageId.LinkProof, { nonce: agent, proof }),
      rawFrame(QUESTION, [1, 2, 3]),
      rawFrame(QUESTION, [4]),
    );
    await eager.frame(3);
    expect(eager.frames.map(({ id }) => id)).toEqual([MessageId.LinkChallenge, MessageId.LinkAccepted, QUESTION, QUESTION]);
  });

  test('a server that does not ask is spoken with, and the log says so once', async () => {
    const { port, server } = await serve(NO_SECURITY);
    const client = dial(port, withToken(TOKEN), SHORT_MS);
    await client.answered();
    for (const connection of [...server.connections]) connection.destroy();
    await eventually('another link', () => client.told.filter(word => word === 'up').length > 1);
    const unasked = client.recording.events().filter(event => event.includes('does not ask for the token'));
    expect(unasked).toEqual(['server: it does not ask for the token, and is spoken with all the same ([security] token_file)']);
  });

  test('a server that asks and does not know it is not believed', async () => {
    const forger = createServer(socket => {
      const remote = new TcpPeer(socket);
      remote.write(encodeFrame(MessageId.LinkChallenge, { nonce: 'c'.repeat(64) }));
      void remote.frame(0).then(() => remote.write(encodeFrame(MessageId.LinkAccepted, { proof: 'd'.repeat(64) })));
    });
    forger.listen(0, '127.0.0.1');
    await once(forger, 'listening');
    cleanUps.push(() => forger.close());
    const client = dial((forger.address() as { port: number }).port, withToken(TOKEN));
    expect((await client.failure()).fields['error']).toContain('it asked for the token and does not know it itself');
    expect(client.told).toEqual([]);
  });

  test('new tokens hold for new connections', async () => {
    const { port, setSecurity, server } = await serve(withToken(TOKEN));
    const before = dial(port, withToken(TOKEN));
    await before.answered();
    setSecurity(withToken(OTHER_TOKEN));
    await dial(port, withToken(OTHER_TOKEN)).answered();
    dial(port, withToken(TOKEN));
    await eventually('the old one is refused', () => server.counters.get('refusedToken') > 0);
    expect(before.client.up).toBe(true);
  });

  test('connections that have not proved anything yet count as connections', async () => {
    const { port, server } = await serve(withToken(TOKEN), LONG_MS, 2);
    const waiting = [await TcpPeer.connect(port), await TcpPeer.connect(port)];
    for (const one of waiting) await one.frame(0);
    const third = await TcpPeer.connect(port);
    await third.whenClosed();
    expect(server.counters.get('refused')).toBe(1);
    for (const one of waiting) one.destroy();
    await eventually('there is room again', async () => {
      const next = await TcpPeer.connect(port);
      await eventually('an answer', () => next.closed || next.frames.length > 0);
      next.destroy();
      return next.frames.length > 0;
    });
  });
});
