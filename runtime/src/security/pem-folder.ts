/** The three PEM files of a machine: read, and checked for each mistake that is known to be made with them. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import path from 'node:path';
import { messageOf } from '../errors.ts';
import type { TlsFiles } from './link-security.ts';
import { readSecretFile, readTextFile, SecurityFileError } from './secret-file.ts';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const PRIVATE_KEY = /-----BEGIN ([A-Z]+ )?PRIVATE KEY-----/;

export interface PemFolder {
  readonly files: TlsFiles;
  /** A certificate that is not valid at this time, in words; undefined where all are. */
  readonly dateProblem: string | undefined;
}

/**
 * @param nowUnixMs the time at which certificates must be valid
 * @throws {SecurityFileError} naming the file and what is wrong with it
 */
export async function readPemFolder(folder: string, nowUnixMs: number): Promise<PemFolder> {
  const [caFile, certFile, keyFile] = ['ca.pem', 'cert.pem', 'key.pem'].map(name => path.join(folder, name)) as [
    string,
    string,
    string,
  ];
  const ca = await readTextFile(caFile);
  const cert = await readTextFile(certFile);
  const cas = certificatesIn(caFile, ca);
  const chain = certificatesIn(certFile, cert);
  const own = chain[0] as X509Certificate;
  const key = await readSecretFile(keyFile);
  if (!own.checkPrivateKey(privateKeyIn(keyFile, key))) {
    throw new SecurityFileError(keyFile, `is not the key of the certificate in ${certFile}`);
  }
  // Every remote trusts the same CAs: it would refuse a certificate that ours do not vouch for.
  const issuers = cas.filter(issuer => chain.some(certificate => hasSigned(issuer, certificate)));
  if (issuers.length === 0) throw new SecurityFileError(certFile, `no certificate in ${caFile} has signed its certificate`);
  // Others in ca.pem may have expired: after a change of the CA the old one stays there for a while.
  const issuerProblems = issuers.map(issuer => dateProblemOf(caFile, issuer, nowUnixMs));
  const dateProblem =
    chain.map(certificate => dateProblemOf(certFile, certificate, nowUnixMs)).find(problem => problem !== undefined) ??
    (issuerProblems.includes(undefined) ? undefined : issuerProblems[0]);
  const expiresAtMs = Math.min(...chain.map(({ validToDate }) => validToDate.getTime()));
  return { files: { ca, cert, key, expiresAtMs }, dateProblem };
}

function certificatesIn(file: string, text: string): readonly X509Certificate[] {
  const blocks = text.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) throw new SecurityFileError(file, 'has no certificate in PEM form (-----BEGIN CERTIFICATE-----)');
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw new SecurityFileError(file, `certificate ${index + 1} in it does not parse: ${messageOf(cause)}`, { cause });
    }
  });
}

function privateKeyIn(file: string, text: string): KeyObject {
  if (!PRIVATE_KEY.test(text)) throw new SecurityFileError(file, 'has no private key in PEM form (-----BEGIN PRIVATE KEY-----)');
  if (text.includes('ENCRYPTED'))
    throw new SecurityFileError(file, 'is protected by a passphrase, which nobody could type at a start');
  try {
    return createPrivateKey(text);
  } catch (cause) {
    throw new SecurityFileError(file, 'has a private key that does not parse', { cause });
  }
}

function hasSigned(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function dateProblemOf(
  file: string,
  { validFromDate: from, validToDate: to }: X509Certificate,
  nowUnixMs: number,
): string | undefined {
  if (to.getTime() <= nowUnixMs) return `${file}: its certificate has expired on ${to.toISOString()}`;
  return from.getTime() > nowUnixMs ? `${file}: its certificate is not valid before ${from.toISOString()}` : undefined;
}
