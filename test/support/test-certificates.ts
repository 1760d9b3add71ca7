/** Certificates of a CA that lives as long as the test, made with openssl: Node cannot make any. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A machine that builds and judges the project must have it (test/unit/runtime/security/pem-folder.test.ts), or all of this would go untested. */
export const HAS_OPENSSL = spawnSync('openssl', ['version']).status === 0;

/** Days from now, below 0 before it. */
export interface Validity {
  readonly fromDays?: number;
  readonly toDays?: number;
}

export interface CertificateOptions extends Validity {
  readonly ca?: 'ca' | 'other-ca';
  /** Subject alternative name, as openssl writes it. */
  readonly name?: string;
}

const DAY_MS = 86_400_000;
const EC_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** Two CAs, and folders as conf key [security] tls_folder names them. */
export class TestCertificates {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'lars-tls-'));

  constructor() {
    for (const ca of ['ca', 'other-ca']) {
      const files = ['-keyout', this.#file(`${ca}.key`), '-out', this.#file(`${ca}.pem`)];
      openssl(['req', '-x509', ...EC_KEY, ...files, '-subj', `/CN=${ca}`, '-days', '30']);
    }
  }

  /** A folder of one machine, which may be written again: with a new key and certificate, and the CA that it trusts. */
  machine(name: string, options: CertificateOptions = {}): string {
    const { ca = 'ca', name: altName = 'IP:127.0.0.1', fromDays = -1, toDays = 30 } = options;
    const folder = path.join(this.folder, name);
    mkdirSync(folder, { recursive: true });
    const at = (file: string) => path.join(folder, file);
    openssl(['req', ...EC_KEY, '-keyout', at('key.pem'), '-out', at('request'), '-subj', `/CN=${name}`]);
    writeFileSync(at('extensions'), `subjectAltName=${altName}\n`);
    writeFileSync(at('index'), '');
    rmSync(at('index.serial'), { force: true });
    writeFileSync(at('ca.cnf'), caConf(at('index')));
    const signing = ['-cert', this.#file(`${ca}.pem`), '-keyfile', this.#file(`${ca}.key`), '-config', at('ca.cnf')];
    const dates = ['-startdate', asn1Date(fromDays), '-enddate', asn1Date(toDays)];
    const files = ['-in', at('request'), '-out', at('cert.pem'), '-outdir', folder, '-extfile', at('extensions')];
    openssl(['ca', '-batch', '-notext', '-create_serial', ...signing, ...dates, ...files]);
    copyFileSync(this.#file('ca.pem'), at('ca.pem'));
    chmodSync(at('key.pem'), 0o640);
    return folder;
  }

  /** A file that only its owner and group may use. */
  secret(name: string, text: string): string {
    const file = this.#file(name);
    writeFileSync(file, text);
    chmodSync(file, 0o640);
    return file;
  }

  text(name: string): string {
    return readFileSync(this.#file(name), 'utf8');
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #file(name: string): string {
    return path.join(this.folder, name);
  }
}

export const TOKEN = 'a-token-for-tests-that-is-long-enough';
export const OTHER_TOKEN = 'another-token-that-is-long-enough-too';

function openssl(args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}

/** '20261129120000Z' */
function asn1Date(days: number): string {
  return `${new Date(Date.now() + days * DAY_MS).toISOString().replace(/[-:T]|\.\d+Z/g, '')}Z`;
}

function caConf(index: string): string {
  return `[ca]\ndefault_ca = it\n[it]\ndatabase = ${index}\nserial = ${index}.serial\ndefault_md = sha256\npolicy = any\nunique_subject = no\n[any]\ncommonName = supplied\n`;
}
