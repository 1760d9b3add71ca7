/** A system of its own for dpkg, in a folder: nothing of the machine is touched. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** The maintainer scripts run outside of the folder and are told of it by DPKG_ROOT; what the package depends on is the machine's. */
const FLAGS = ['--force-script-chrootless', '--force-depends', '--force-confdef', '--force-unsafe-io', '--log=/dev/null'];
const TIMEOUT_MS = 120_000;

export class DebRoot {
  readonly path = mkdtempSync(path.join(tmpdir(), 'lars-deb-'));

  constructor() {
    for (const folder of ['info', 'updates', 'triggers']) mkdirSync(this.file(`var/lib/dpkg/${folder}`), { recursive: true });
    mkdirSync(this.file('etc'));
    for (const file of ['var/lib/dpkg/status', 'etc/passwd', 'etc/group', 'etc/shadow', 'etc/gshadow']) this.write(file, '');
  }

  file(name: string): string {
    return path.join(this.path, name);
  }

  read(name: string): string {
    return readFileSync(this.file(name), 'utf8');
  }

  write(name: string, text: string): void {
    writeFileSync(this.file(name), text);
  }

  /** @throws {Error} with what dpkg says */
  dpkg(...args: string[]): void {
    execFileSync('dpkg', [`--root=${this.path}`, ...FLAGS, ...args], { stdio: 'pipe', timeout: TIMEOUT_MS });
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
