import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isProof, newNonce, proofOf } from '../../../../runtime/src/security/link-proof.ts';
import { readTokenFile } from '../../../../runtime/src/security/token-file.ts';
import { OTHER_TOKEN, TOKEN } from '../../../support/test-certificates.ts';

describe('a token file', () => {
  let folder = '';
  let file = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'lars-token-'));
    file = path.join(folder, 'token');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (text: string, mode = 0o600) => {
    writeFileSync(file, text);
    chmodSync(file, mode);
  };
  const problem = () => readTokenFile(file).then(String, (error: unknown) => (error as Error).message);

  test('has a token on each line, the first is the one that is proved', async () => {
    write(`${TOKEN}\n\n  ${OTHER_TOKEN}  \n`);
    expect(await readTokenFile(file)).toEqual([TOKEN, OTHER_TOKEN]);
  });

  test.each([
    ['\n', 0o600, 'has no token: a line of 32 characters or more'],
    [`${TOKEN}\nshort-secret\n`, 0o600, 'line 2 has 12 characters, a token needs 32 or more'],
    [`${TOKEN} and more\n`, 0o600, 'line 1 has other characters than visible ASCII ones'],
    [`${'x'.repeat(1_025)}\n`, 0o600, 'line 1 has more than 1024 characters'],
    [`${TOKEN}\n`.repeat(17), 0o600, 'has more than 16 tokens'],
    [TOKEN, 0o604, 'every user of this machine may use it (mode 0604): chmod 640'],
  ])('refuses what is wrong, and does not show it (%#)', async (text, mode, expected) => {
    write(text, mode);
    expect(await problem()).toBe(`${file}: ${expected}`);
  });

  test('that is not there', async () => {
    expect(await problem()).toBe(`${file}: there is no such file`);
  });
});

describe('a proof', () => {
  const nonces = { server: newNonce(), agent: newNonce() };

  test('is good for its token, end and nonces alone', () => {
    const proof = proofOf(TOKEN, 'agent', nonces);
    expect(proof).not.toContain(TOKEN);
    expect(isProof(proof, TOKEN, 'agent', nonces)).toBe(true);
    expect(isProof(proof, OTHER_TOKEN, 'agent', nonces)).toBe(false);
    expect(isProof(proof, TOKEN, 'server', nonces)).toBe(false);
    expect(isProof(proof, TOKEN, 'agent', { ...nonces, server: newNonce() })).toBe(false);
    expect(isProof(proof, TOKEN, 'agent', { ...nonces, agent: newNonce() })).toBe(false);
  });

  test.each(['', 'zz', '00', 'f'.repeat(10_000)])('is not %s', text => {
    expect(isProof(text, TOKEN, 'agent', nonces)).toBe(false);
  });

  test('is the HMAC that docs/protocol.md says', () => {
    const proof = proofOf('t'.repeat(32), 'agent', { server: 'a', agent: 'b' });
    // echo -n 'lars agent a b' | openssl dgst -sha256 -hmac tttttttttttttttttttttttttttttttt
    expect(proof).toBe('d04525f98d97204efa3183d704335e9288f724a5a57578a634d6faaecc434864');
  });
});
