import { chmodSync, copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readPemFolder } from '../../../../runtime/src/security/pem-folder.ts';
import { HAS_OPENSSL, TestCertificates } from '../../../support/test-certificates.ts';

test('openssl is there where the project is judged', () => {
  if (process.env['CI'] !== undefined) expect(HAS_OPENSSL).toBe(true);
  else expect(typeof HAS_OPENSSL).toBe('boolean');
});

describe.runIf(HAS_OPENSSL)('a folder of PEM files', () => {
  let certificates: TestCertificates;
  beforeAll(() => {
    certificates = new TestCertificates();
  });
  afterAll(() => certificates.dispose());

  const read = (folder: string) => readPemFolder(folder, Date.now());
  const problemOf = (folder: string) =>
    read(folder).then(
      ({ dateProblem }) => dateProblem,
      (error: unknown) => (error as Error).message,
    );

  test('is read when all is well', async () => {
    const { files, dateProblem } = await read(certificates.machine('well'));
    expect(dateProblem).toBeUndefined();
    expect(files.key).toContain('PRIVATE KEY');
    expect(Math.round((files.expiresAtMs - Date.now()) / 86_400_000)).toBe(30);
  });

  test('that is not there', async () => {
    const folder = path.join(certificates.folder, 'nowhere');
    expect(await problemOf(folder)).toBe(`${folder}/ca.pem: there is no such file`);
  });

  test.each<[string, string | ((folder: string) => void), string]>([
    ['cert.pem', folder => rmSync(path.join(folder, 'cert.pem')), 'there is no such file'],
    ['key.pem', folder => rmSync(path.join(folder, 'key.pem')), 'there is no such file'],
    ['ca.pem', '', 'has no certificate in PEM form (-----BEGIN CERTIFICATE-----)'],
    ['cert.pem', 'binary\0\u0001', 'has no certificate in PEM form (-----BEGIN CERTIFICATE-----)'],
    ['cert.pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', 'certificate 1 in it does not parse'],
    ['key.pem', 'no key', 'has no private key in PEM form (-----BEGIN PRIVATE KEY-----)'],
    ['key.pem', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n', 'has a private key that does not parse'],
    ['key.pem', '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n', 'is protected by a passphrase'],
    [
      'key.pem',
      folder => chmodSync(path.join(folder, 'key.pem'), 0o644),
      'every user of this machine may use it (mode 0644): chmod 640',
    ],
    [
      'ca.pem',
      folder => {
        rmSync(path.join(folder, 'ca.pem'));
        mkdirSync(path.join(folder, 'ca.pem'));
      },
      'is a folder',
    ],
  ])('names %s and what is wrong with it (%#)', async (file, spoil, expected) => {
    const folder = certificates.machine('spoilt');
    if (typeof spoil === 'string') writeFileSync(path.join(folder, file), spoil);
    else spoil(folder);
    const problem = await problemOf(folder);
    rmSync(folder, { recursive: true });
    expect(problem).toContain(`${path.join(folder, file)}: `);
    expect(problem).toContain(expected);
  });

  test('the key of another certificate', async () => {
    const folder = certificates.machine('mixed');
    copyFileSync(path.join(certificates.machine('another'), 'key.pem'), path.join(folder, 'key.pem'));
    expect(await problemOf(folder)).toBe(`${folder}/key.pem: is not the key of the certificate in ${folder}/cert.pem`);
  });

  test('a certificate of another CA', async () => {
    const folder = certificates.machine('foreign', { ca: 'other-ca' });
    expect(await problemOf(folder)).toBe(`${folder}/cert.pem: no certificate in ${folder}/ca.pem has signed its certificate`);
    // Two CAs at a time, as while one takes over from the other.
    writeFileSync(path.join(folder, 'ca.pem'), certificates.text('ca.pem') + certificates.text('other-ca.pem'));
    expect(await problemOf(folder)).toBeUndefined();
  });

  test.each([
    ['has expired on', { fromDays: -20, toDays: -10 }, -10],
    ['is not valid before', { fromDays: 10, toDays: 20 }, 10],
  ])('a certificate that %s a day', async (words, validity, days) => {
    const folder = certificates.machine('dates', validity);
    const date = new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
    expect(await problemOf(folder)).toContain(`${folder}/cert.pem: its certificate ${words} ${date}`);
  });
});
