/** A load connects to a protected server as its conf says. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { securedConnect } from '../../../cli/src/bench/connect.ts';
import { NO_SECURITY } from '../../../runtime/src/security/link-security.ts';
import { HAS_OPENSSL, OTHER_TOKEN, TestCertificates, TOKEN } from '../../support/test-certificates.ts';
import { cleanUps, serve, withToken } from '../runtime/security/link-world.ts';

const NONE = { tls_folder: '', token_file: '' };
const { signal } = new AbortController();

/** Connects to a server, which then has one connection. */
async function connectTo(server: Awaited<ReturnType<typeof serve>>, options: typeof NONE, ending = signal): Promise<number> {
  const connect = await securedConnect(options);
  const socket = await connect?.({ ip: '127.0.0.1', port: server.port }, ending);
  cleanUps.push(() => socket?.destroy());
  return server.open.length;
}

describe.skipIf(!HAS_OPENSSL)('a protected server', () => {
  let files: TestCertificates;
  beforeAll(() => {
    files = new TestCertificates();
  });
  afterAll(() => files.dispose());

  test('that asks for a token gets it', async () => {
    expect(await connectTo(await serve(withToken(TOKEN)), { ...NONE, token_file: files.secret('token', TOKEN) })).toBe(1);
  });

  test('that does not take it is an error with the address and the reason', async () => {
    const server = await serve(withToken(TOKEN));
    const options = { ...NONE, token_file: files.secret('other', OTHER_TOKEN) };
    await expect(connectTo(server, options)).rejects.toMatchObject({
      code: 'CANNOT_CONNECT',
      message: expect.stringMatching(`^TCP 127.0.0.1:${server.port}: it does not take our token`),
    });
    expect(server.open).toHaveLength(0);
  });

  test('that wants certificates is shown one', async () => {
    const [theirs, ours] = [files.machine('server'), files.machine('load')];
    const { readPemFolder } = await import('../../../runtime/src/security/pem-folder.ts');
    const tls = { ...(await readPemFolder(theirs, Date.now())).files, checkNames: false };
    expect(await connectTo(await serve({ ...NO_SECURITY, tls }), { ...NONE, tls_folder: ours })).toBe(1);
  });

  test('is not waited for by whoever was interrupted', async () => {
    const server = await serve(withToken(TOKEN));
    const options = { ...NONE, token_file: files.secret('token', TOKEN) };
    await expect(connectTo(server, options, AbortSignal.abort())).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });
});

test('nothing to protect makes no connector; a file that is missing is named with its key', async () => {
  expect(await securedConnect(NONE)).toBeUndefined();
  await expect(securedConnect({ ...NONE, token_file: '/nowhere/token' })).rejects.toMatchObject({
    code: 'BAD_SECURITY_FILE',
    message: expect.stringMatching(/token_file.*\/nowhere\/token/),
  });
});
