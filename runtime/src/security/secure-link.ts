/** The client's side of a protected link: TLS, and the proof of the token. */
import { createConnection, isIP, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls';
import { decodeBody, encodeFrame, MessageId } from '@lars/proto';
import type { Logger } from '../log.ts';
import { connectTimeout, type LinkAttempt, type LinkOpening, type LinkTarget, type OpenLink } from '../tcp/open-link.ts';
import { FirstFrames } from './first-frames.ts';
import { isNonce, isProof, newNonce, proofOf } from './link-proof.ts';
import type { LinkSecurity } from './link-security.ts';
import { tlsWords } from './tls-words.ts';

export interface SecureLinksDeps {
  readonly log: Logger;
  /** Names the server in the log. */
  readonly serverName: string;
  /** How long a server without TLS may take to ask for the token, before it counts as one that does not. */
  readonly challengeTimeoutMs?: number;
}

/** A server that asks does so at once. */
const CHALLENGE_TIMEOUT_MS = 2_000;

/** Opens links as `security` says at that moment. */
export class SecureLinks {
  readonly #deps: SecureLinksDeps;
  #security: LinkSecurity;
  #context: SecureContext | undefined;
  #hasSaidUnasked = false;

  constructor(security: LinkSecurity, deps: SecureLinksDeps) {
    this.#deps = deps;
    this.#security = security;
    this.#context = contextOf(security);
  }

  /** For the next links; those that stand are not touched. */
  setSecurity(security: LinkSecurity): void {
    this.#context = contextOf(security);
    this.#security = security;
  }

  readonly open: OpenLink = (target, opening) => new SecureAttempt(target, opening, this.#security, this.#context, this);

  get challengeTimeoutMs(): number {
    return this.#deps.challengeTimeoutMs ?? CHALLENGE_TIMEOUT_MS;
  }

  /** Said once for each run of servers that do not ask, not for each connection. */
  noteAsked(isAsked: boolean): void {
    const { log, serverName } = this.#deps;
    if (!isAsked && !this.#hasSaidUnasked) {
      log.warn(`${serverName}: it does not ask for the token, and is spoken with all the same ([security] token_file)`);
    }
    this.#hasSaidUnasked = !isAsked;
  }
}

class SecureAttempt implements LinkAttempt {
  readonly #opening: LinkOpening;
  readonly #security: LinkSecurity;
  readonly #links: SecureLinks;
  readonly #socket: Socket;
  readonly #late: NodeJS.Timeout;
  readonly #challengeTimeoutMs: number;
  #frames: FirstFrames | undefined;
  /** What was sent when the challenge came. */
  #sent: { readonly token: string; readonly server: string; readonly agent: string } | undefined;
  #isOver = false;

  constructor(
    target: LinkTarget,
    opening: LinkOpening,
    security: LinkSecurity,
    context: SecureContext | undefined,
    links: SecureLinks,
  ) {
    this.#opening = opening;
    this.#security = security;
    this.#links = links;
    // A server that does not ask must be found out before the attempt as a whole is over.
    this.#challengeTimeoutMs = Math.min(links.challengeTimeoutMs, target.timeoutMs / 2);
    this.#socket = openSocket(target, security, context);
    this.#late = setTimeout(() => this.#fail(connectTimeout(target.timeoutMs)), target.timeoutMs);
    this.#socket.once(this.#isTls ? 'secureConnect' : 'connect', () => this.#onConnected());
    this.#socket.on('error', this.#onError).on('close', this.#onClose);
  }

  abort(): void {
    if (this.#isOver) return;
    this.#end();
    this.#socket.destroy();
  }

  get #isTls(): boolean {
    return this.#security.tls !== undefined;
  }

  readonly #onError = (error: Error): void => this.#fail(this.#isTls ? new Error(tlsWords(error), { cause: error }) : error);
  readonly #onClose = (): void => this.#fail(new Error(this.#isTls ? 'it hung up during the TLS handshake' : 'it hung up'));

  #onConnected(): void {
    if (this.#isOver) return;
    const timeoutMs = this.#challengeTimeoutMs;
    this.#frames = new FirstFrames(this.#socket, timeoutMs, {
      onFrame: (id, body) => this.#onFrame(id, body),
      onDone: () => this.#open(),
      onFailed: error => this.#fail(this.#explain(error)),
      onLate: () => this.#onSilence(timeoutMs),
    });
  }

  /** Only a server without TLS may be one that knows nothing of tokens. */
  #onSilence(timeoutMs: number): void {
    if (this.#isTls || this.#sent !== undefined) {
      this.#fail(new Error(`no answer within ${timeoutMs} ms after the ${this.#isTls ? 'TLS handshake' : 'token was proved'}`));
      return;
    }
    this.#links.noteAsked(false);
    this.#open();
  }

  #onFrame(id: number, body: Uint8Array): boolean {
    if (id === MessageId.LinkChallenge && this.#sent === undefined) {
      this.#prove(decodeBody(MessageId.LinkChallenge, body).nonce);
      return false;
    }
    if (id !== MessageId.LinkAccepted) throw new Error(`it sent message id ${id} before the link was open`);
    this.#checkAccepted(decodeBody(MessageId.LinkAccepted, body).proof);
    return true;
  }

  #prove(server: string): void {
    const [token] = this.#security.tokens;
    if (token === undefined) throw new Error('it asks for a token, and [security] token_file is empty here');
    if (!isNonce(server)) throw new Error('it asks for the token in a way that is not known');
    const agent = newNonce();
    this.#sent = { token, server, agent };
    this.#socket.write(encodeFrame(MessageId.LinkProof, { nonce: agent, proof: proofOf(token, 'agent', { server, agent }) }));
  }

  #checkAccepted(proof: string): void {
    if (this.#sent !== undefined) {
      if (!isProof(proof, this.#sent.token, 'server', this.#sent))
        throw new Error('it asked for the token and does not know it itself');
      this.#links.noteAsked(true);
    } else if (!this.#isTls) throw new Error('it took the link without asking for the token');
    else if (this.#security.tokens.length > 0) this.#links.noteAsked(false);
  }

  /** TLS 1.3 does not tell a client that its certificate is refused: the server just hangs up. */
  #explain(error: Error): Error {
    if (this.#sent !== undefined)
      return new Error(`it does not take our token (${error.message}); its log says more`, { cause: error });
    if (!this.#isTls) return error;
    const words = tlsWords(error);
    return new Error(`refused after the TLS handshake: ${words}; its log may say that it does not take our certificate`, {
      cause: error,
    });
  }

  #open(): void {
    if (this.#isOver) return;
    this.#end();
    this.#socket.removeAllListeners('error').removeAllListeners('close');
    this.#opening.onOpen(this.#socket);
  }

  #fail(error: Error): void {
    if (this.#isOver) return;
    this.#end();
    this.#socket.destroy();
    this.#opening.onFailed(error);
  }

  /** A destroyed socket may still tell of an error, which is nobody's any more. */
  #end(): void {
    this.#isOver = true;
    clearTimeout(this.#late);
    this.#frames?.stop();
  }
}

function openSocket({ host, port }: LinkTarget, { tls }: LinkSecurity, secureContext: SecureContext | undefined): Socket {
  if (tls === undefined || secureContext === undefined) return createConnection({ host, port });
  return connectTls({
    host,
    port,
    secureContext,
    // SNI takes names alone.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(tls.checkNames ? {} : { checkServerIdentity: () => undefined }),
  });
}

function contextOf({ tls }: LinkSecurity): SecureContext | undefined {
  if (tls === undefined) return undefined;
  return createSecureContext({ ca: tls.ca, cert: tls.cert, key: tls.key, minVersion: 'TLSv1.3' });
}
