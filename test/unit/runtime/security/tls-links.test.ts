import { readdirSync } from 'node:fs';
import { createConnection } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LinkSecurity, NO_SECURITY } from '../../../../runtime/src/security/link-security.ts';
import { readPemFolder } from '../../../../runtime/src/security/pem-folder.ts';
import { eventually } from '../../../support/eventually.ts';
import { rawFrame, TcpPeer } from '../../../support/tcp-peer.ts';
import {
  type CertificateOptions,
  HAS_OPENSSL,
  OTHER_TOKEN,
  TestCertificates,
  TOKEN,
} from '../../../support/test-certificates.ts';
import { closed, dial, SHORT_MS, serve } from './link-world.ts';

describe.runIf(HAS_OPENSSL)('TLS', () => {
  let certificates: TestCertificates;
  let well: LinkSecurity;
  beforeAll(async () => {
    certificates = new TestCertificates();
    well = await machine('well');
  });
  afterAll(() => certificates.dispose());

  async function machine(name: string, options: CertificateOptions = {}, tokens: readonly string[] = []): Promise<LinkSecurity> {
    const folder = certificates.machine(name, options);
    // Such a machine would be told so itself; here it speaks all the same.
    const { files } = await readPemFolder(folder, Date.now()).catch(async () => {
      const other = certificates.machine('trust');
      const { files: trust } = await readPemFolder(other, Date.now());
      const read = (file: string) => certificates.text(`${name}/${file}`);
      return { files: { ...trust, cert: read('cert.pem'), key: read('key.pem') } };
    });
    return { tls: { ...files, checkNames: false }, tokens };
  }

  test('with certificates of one CA', async () => {
    const { port, open } = await serve(well);
    const { answered } = dial(port, await machine('agent'));
    await answered();
    expect(open[0]?.remote).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  test('and a token', async () => {
    const { port, server } = await serve({ ...well, tokens: [TOKEN] });
    await dial(port, { ...well, tokens: [TOKEN] }).answered();
    const client = dial(port, { ...well, tokens: [OTHER_TOKEN] });
    expect((await client.failure()).fields['error']).toContain('it does not take our token');
    const without = dial(port, well);
    expect((await without.failure()).fields['error']).toContain('it asks for a token, and [security] token_file is empty here');
    expect(server.counters.get('refusedToken')).toBeGreaterThanOrEqual(1);
  });

  test('carries more than a buffer holds, both ways', async () => {
    const { port } = await serve(well);
    const client = dial(port, well);
    await client.answered();
    for (let i = 0; i < 2_000; i++) client.client.queue(rawFrame(i + 1_000, new Uint8Array(900).fill(i)));
    client.client.flush();
    await eventually('all answers', () => client.told.length === 2_002);
    expect(client.told.at(-1)).toMatch(/^2999: /);
  });

  const REFUSED: readonly (readonly [string, CertificateOptions, string])[] = [
    ['an expired certificate', { fromDays: -20, toDays: -10 }, 'its certificate has expired (CERT_HAS_EXPIRED)'],
    ['one that is not valid yet', { fromDays: 10, toDays: 20 }, 'its certificate is not valid yet (CERT_NOT_YET_VALID)'],
    ['one of another CA', { ca: 'other-ca' }, 'no certificate in our ca.pem has signed its certificate'],
  ];

  test.each(REFUSED)('%s of the client is refused: both sides say so', async (_, options, words) => {
    const { port, server, recording, open } = await serve(well);
    const client = dial(port, await machine('bad', options));
    const { event, fields } = await client.failure();
    expect(event).toBe('server: cannot connect, retrying until it answers');
    expect(fields['error']).toMatch(/its log may say that it does not take our certificate$/);
    const refusal = await eventually('a refusal', () => recording.records[0]);
    expect(refusal).toMatchObject({ level: 'warn', event: 'a connection was refused: TLS' });
    expect(refusal.fields['error']).toContain(words);
    expect(refusal.fields['remote']).toMatch(/^127\.0\.0\.1:\d+$/);
    await eventually('many attempts', () => server.counters.get('refusedTls') >= 3);
    expect(client.recording.records).toHaveLength(1);
    expect(open).toEqual([]);
  });

  test.each(REFUSED)('%s of the server is refused', async (_, options, words) => {
    const { port, open } = await serve(await machine('bad-server', options));
    const client = dial(port, well);
    expect((await client.failure()).fields['error']).toContain(words);
    expect(open).toEqual([]);
    expect(client.told).toEqual([]);
  });

  test('a client without a certificate is refused', async () => {
    const { port, recording, open } = await serve(well);
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
    await closed(socket);
    const { fields } = await eventually('a refusal', () => recording.records[0]);
    expect(fields['error']).toContain('it shows no certificate');
    expect(open).toEqual([]);
  });

  test('a client that speaks no TLS is refused, and named', async () => {
    const { port, recording, server } = await serve(well);
    const client = dial(port, NO_SECURITY);
    const { fields } = await eventually('a refusal', () => recording.records[0]);
    expect(fields['error']).toMatch(/^it speaks no TLS /);
    expect(fields['remote']).toMatch(/^127\.0\.0\.1:\d+$/);
    await eventually('some attempts', () => server.counters.get('refusedTls') > 3);
    // The log of the client has the first connection and its loss, or two of each; not one for each attempt.
    expect(client.recording.records.length).toBeLessThanOrEqual(4);
    expect(client.recording.records.some(({ event }) => event === 'server: connection lost')).toBe(true);
  });

  test('a server that speaks no TLS: both sides say so', async () => {
    const { port, recording, server } = await serve(NO_SECURITY);
    const client = dial(port, well);
    expect((await client.failure()).fields['error']).toContain(
      'it hung up during the TLS handshake, as one does that speaks no TLS',
    );
    const { event, fields } = await eventually('a refusal', () => recording.records[0]);
    expect(event).toBe('a connection was refused: TLS');
    expect(fields['error']).toBe('it speaks TLS, and [security] tls_folder is empty here');
    expect(server.counters.get('closedSpeaksTls')).toBeGreaterThan(0);
  });

  test('a handshake that takes too long is ended', async () => {
    const { port, recording } = await serve(well, SHORT_MS);
    const silent = await TcpPeer.connect(port);
    await silent.whenClosed();
    expect(recording.records[0]?.fields['error']).toContain('it has not finished the TLS handshake in time');
  });

  test.each([
    ['IP:127.0.0.1', true],
    ['DNS:other.example', false],
  ])('a server whose certificate is for %s, where names are checked', async (name, isTaken) => {
    const { port } = await serve(await machine('named', { name }));
    const tls = { ...(well.tls as NonNullable<LinkSecurity['tls']>), checkNames: true };
    const client = dial(port, { ...well, tls });
    if (isTaken) await client.answered();
    else expect((await client.failure()).fields['error']).toContain('its certificate is made out for another name');
  });

  test('new certificates hold for new connections; those that stand are not touched', async () => {
    const { port, setSecurity, server } = await serve(well);
    const before = dial(port, well);
    await before.answered();
    const next = await machine('next', { ca: 'other-ca' });
    const ca = certificates.text('other-ca.pem');
    const renewed = { ...next, tls: { ...(next.tls as NonNullable<LinkSecurity['tls']>), ca } };
    setSecurity(renewed);
    before.links.setSecurity(renewed);
    await dial(port, renewed).answered();
    dial(port, well);
    await eventually('the old CA is refused', () => server.counters.get('refusedTls') > 0);
    expect(before.client.up).toBe(true);
    for (const connection of [...server.connections]) connection.destroy();
    await eventually('back with the new ones', () => before.told.filter(word => word === 'up').length === 2);
  });

  test.runIf(process.platform === 'linux')('refused connections leave no descriptor behind', async () => {
    const descriptors = () => readdirSync('/proc/self/fd').length;
    const { port, server } = await serve({ ...well, tokens: [TOKEN] });
    const attempt = async (kind: number) => {
      const socket =
        kind === 0
          ? createConnection(port, '127.0.0.1')
          : connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...(kind === 1 ? {} : well.tls) });
      socket.write(rawFrame(1, [1]));
      await closed(socket);
    };
    for (const kind of [0, 1, 2]) await attempt(kind);
    const before = descriptors();
    for (let i = 0; i < 60; i++) await attempt(i % 3);
    expect(server.counters.get('refusedTls')).toBe(42);
    expect(server.counters.get('refusedToken')).toBe(21);
    await eventually('they are closed', () => descriptors() <= before + 2);
  });
});
