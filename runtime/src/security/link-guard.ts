/** The server's side of a protected link: lets those in that have a certificate of our CA, and know the token. One for each thread. */
import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { decodeBody, encodeFrame, MessageId } from '@lars/proto';
import type { ConnectionGuard, ConnectionGuardDeps } from '../tcp/connection-guard.ts';
import { FirstFrames } from './first-frames.ts';
import { isNonce, isProof, newNonce, proofOf } from './link-proof.ts';
import type { LinkSecurity } from './link-security.ts';
import { tlsWords } from './tls-words.ts';

const HANDSHAKE_TIMEOUT_MS = 5_000;
const PROOF_TIMEOUT_MS = 5_000;

export interface LinkGuardOptions {
  readonly handshakeTimeoutMs?: number;
  readonly proofTimeoutMs?: number;
}

export class LinkGuard implements ConnectionGuard {
  readonly #options: LinkGuardOptions;
  readonly #deps: ConnectionGuardDeps;
  /** Never listens: connections come from elsewhere, some from another thread. */
  readonly #server: Server | undefined;
  /** The remote of the socket that was closed last. Node refuses a certificate by closing, and says so next, when the address is gone. */
  #lastClosed = '';
  #tokens: readonly string[];

  /** @param security secured by TLS, tokens or both */
  constructor(security: LinkSecurity, deps: ConnectionGuardDeps, options: LinkGuardOptions = {}) {
    this.#options = options;
    this.#deps = deps;
    this.#tokens = security.tokens;
    if (security.tls === undefined) return;
    const handshakeTimeout = options.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS;
    this.#server = createServer({ ...contextOptions(security), requestCert: true, rejectUnauthorized: true, handshakeTimeout });
    this.#server.on('secureConnection', socket => this.#onSecure(socket));
    this.#server.on('tlsClientError', (error, socket) => this.#onTlsError(error, socket));
  }

  /** For new connections. Whether there is TLS at all, and a token at all, stays as it was at the start. */
  setSecurity(security: LinkSecurity): void {
    this.#server?.setSecureContext(contextOptions(security));
    this.#tokens = security.tokens;
  }

  admit(socket: Socket): void {
    socket.on('error', ignore);
    if (this.#server === undefined) this.#askForToken(socket);
    else {
      const remote = remoteOf(socket);
      socket.once('close', () => {
        this.#lastClosed = remote;
      });
      this.#server.emit('connection', socket);
    }
  }

  #onSecure(socket: TLSSocket): void {
    socket.on('error', ignore);
    if (!socket.authorized) this.#refuse(socket, 'refusedTls', tlsWords(socket.authorizationError));
    else if (this.#tokens.length > 0) this.#askForToken(socket);
    else this.#accept(socket, '');
  }

  #onTlsError(error: Error, socket: TLSSocket): void {
    const remote = socket.remoteAddress === undefined ? this.#lastClosed : remoteOf(socket);
    this.#deps.onRefused('refusedTls', remote, tlsWords(socket.authorizationError ?? error));
    socket.destroy();
  }

  #askForToken(socket: Socket): void {
    const server = newNonce();
    let proof = '';
    const timeoutMs = this.#options.proofTimeoutMs ?? PROOF_TIMEOUT_MS;
    const refuse = (why: string) => {
      frames.stop();
      this.#refuse(socket, 'refusedToken', why);
    };
    const frames = new FirstFrames(socket, timeoutMs, {
      onFrame: (id, body) => {
        if (id !== MessageId.LinkProof) throw new Error('it has no token: it sent something else first');
        proof = this.#answerTo(server, body);
        return true;
      },
      onDone: () => this.#accept(socket, proof),
      onFailed: error => refuse(error.message),
      onLate: () => refuse(`it did not prove that it knows the token within ${timeoutMs} ms`),
    });
    socket.write(encodeFrame(MessageId.LinkChallenge, { nonce: server }));
  }

  /** @returns our own proof @throws {Error} when theirs is none */
  #answerTo(server: string, body: Uint8Array): string {
    const { nonce: agent, proof } = decodeBody(MessageId.LinkProof, body);
    // All of them are tried, so that the time does not tell which one it was.
    const known = this.#tokens.filter(token => isProof(proof, token, 'agent', { server, agent }));
    const [token] = known;
    if (token === undefined || !isNonce(agent)) throw new Error('it has another token');
    return proofOf(token, 'server', { server, agent });
  }

  #accept(socket: Socket, proof: string): void {
    if (socket.destroyed) return;
    socket.write(encodeFrame(MessageId.LinkAccepted, { proof }));
    socket.off('error', ignore);
    this.#deps.onAdmitted(socket);
  }

  #refuse(socket: Socket, why: 'refusedTls' | 'refusedToken', words: string): void {
    this.#deps.onRefused(why, remoteOf(socket), words);
    socket.destroy();
  }
}

function contextOptions({ tls }: LinkSecurity) {
  if (tls === undefined) return {};
  const { ca, cert, key } = tls;
  // No tickets: each connection shows its certificate, and what has expired or lost its CA does not come in by an earlier handshake.
  return { ca, cert, key, minVersion: 'TLSv1.3', secureOptions: constants.SSL_OP_NO_TICKET } as const;
}

function remoteOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress ?? '?'}:${remotePort ?? 0}`;
}

function ignore(): void {}
