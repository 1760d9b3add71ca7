/** A FramedServer and a FramedClient over loopback, with TLS, a token, both or none. */
import type { Socket } from 'node:net';
import { afterEach } from 'vitest';
import { LinkGuard } from '../../../../runtime/src/security/link-guard.ts';
import { isSecured, type LinkSecurity } from '../../../../runtime/src/security/link-security.ts';
import { SecureLinks } from '../../../../runtime/src/security/secure-link.ts';
import { FramedClient } from '../../../../runtime/src/tcp/framed-client.ts';
import type { FramedConnection } from '../../../../runtime/src/tcp/framed-connection.ts';
import { FramedServer } from '../../../../runtime/src/tcp/framed-server.ts';
import { eventually } from '../../../support/eventually.ts';
import { recordingLog } from '../../../support/recording-log.ts';
import { rawFrame } from '../../../support/tcp-peer.ts';

const LIMITS = { maxBodyBytes: 1_000, partialFrameTimeoutMs: 10_000, maxWriteBufferBytes: 10_000_000 };
/** Short where a test waits for its end, long where a slow machine must not reach it. */
export const SHORT_MS = 100;
export const LONG_MS = 20_000;
export const QUESTION = 7;

export const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** However it ends. */
export function closed(socket: Socket): Promise<unknown> {
  socket.on('error', () => undefined);
  return new Promise(resolve => socket.once('close', resolve));
}

export const withToken = (...tokens: readonly string[]): LinkSecurity => ({ tls: undefined, tokens });

export async function serve(security: LinkSecurity, timeoutMs = LONG_MS, maxConnections = 1_000) {
  const recording = recordingLog();
  const open: FramedConnection[] = [];
  let guard: LinkGuard | undefined;
  const server = new FramedServer(
    {
      ip: '127.0.0.1',
      port: 0,
      confKey: 'port',
      maxConnections,
      limits: LIMITS,
      log: recording.log,
      newGuard: deps => {
        const options = { handshakeTimeoutMs: timeoutMs, proofTimeoutMs: timeoutMs };
        guard = isSecured(security) ? new LinkGuard(security, deps, options) : undefined;
        return guard;
      },
    },
    {
      onOpen: connection => open.push(connection),
      onFrame: (connection, id, body) => void connection.send(rawFrame(id, body)),
    },
  );
  await server.listen();
  cleanUps.push(() => server.close(0));
  return { server, port: server.port, recording, open, setSecurity: (next: LinkSecurity) => guard?.setSecurity(next) };
}

export function dial(port: number, security: LinkSecurity, challengeTimeoutMs = LONG_MS) {
  const recording = recordingLog();
  const links = new SecureLinks(security, { log: recording.log, serverName: 'server', challengeTimeoutMs });
  const told: string[] = [];
  const client = new FramedClient(
    {
      host: '127.0.0.1',
      port,
      connectTimeoutMs: LONG_MS,
      backoffMinMs: 1,
      backoffMaxMs: 20,
      random: () => 0.5,
      limits: LIMITS,
      log: recording.log,
      serverName: 'server',
      ...(isSecured(security) ? { openLink: links.open } : {}),
    },
    {
      onUp: () => {
        told.push('up');
        client.queue(rawFrame(QUESTION, [1, 2, 3]));
        client.flush();
      },
      onFrame: (id, body) => told.push(`${id}: ${body.join()}`),
      onDown: () => told.push('down'),
    },
  );
  client.start();
  cleanUps.push(() => client.stop());
  const failure = () => eventually('a failure', () => recording.records.find(({ level }) => level === 'warn'));
  const answered = () => eventually('an answer', () => told.includes(`${QUESTION}: 1,2,3`));
  return { client, told, recording, links, failure, answered };
}
