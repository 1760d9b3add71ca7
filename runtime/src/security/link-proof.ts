/** How the two ends of a link prove that they know the same token, which itself never travels; docs/protocol.md has the conversation. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const NONCE_BYTES = 32;

export type LinkEnd = 'agent' | 'server';

export interface Nonces {
  readonly server: string;
  readonly agent: string;
}

export function newNonce(): string {
  return randomBytes(NONCE_BYTES).toString('hex');
}

/** Of the form that newNonce makes. */
export function isNonce(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

/** What `by` sends, in hexadecimal. The two ends prove different texts, so that none can send the other's back. */
export function proofOf(token: string, by: LinkEnd, nonces: Nonces): string {
  return macOf(token, by, nonces).toString('hex');
}

/** Takes as long for a wrong proof as for a right one. */
export function isProof(proof: string, token: string, by: LinkEnd, nonces: Nonces): boolean {
  const expected = macOf(token, by, nonces);
  const given = Buffer.from(proof, 'hex');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function macOf(token: string, by: LinkEnd, { server, agent }: Nonces): Buffer {
  return createHmac('sha256', token).update(`lars ${by} ${server} ${agent}`).digest();
}
