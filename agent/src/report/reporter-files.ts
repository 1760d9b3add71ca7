/** The unsent file of one reporter. With several, each has one of its own, named for its address, because reports belong to the reporter that they were sent to. */
import { formatAddress, type ServerAddress } from '@lars/runtime/config/address-list';
import type { Logger } from '@lars/runtime/log';
import { UnsentFile } from './unsent-file.ts';
import type { EarlierReport } from './unsent-frames.ts';

export class ReporterFiles {
  readonly #file: UnsentFile;
  /** What was written while the conf had another number of reporters: read, and removed when it is delivered. */
  readonly #former: UnsentFile;

  /**
   * @param file the conf's; '' = none
   * @param server place of the reporter among the servers of the conf
   */
  constructor(file: string, servers: readonly ServerAddress[], server: number, log: Logger) {
    const address = formatAddress(servers[server] as ServerAddress);
    const named = file === '' ? '' : `${file}.${address.replace(/[^\w.-]/g, '_')}`;
    const [own, former] = servers.length === 1 ? [file, named] : [named, server === 0 ? file : ''];
    this.#file = new UnsentFile(own, address, log);
    this.#former = new UnsentFile(former, address, log);
  }

  /** Whether what cannot be delivered can be kept. */
  get isUsable(): boolean {
    return this.#file.isUsable;
  }

  /** What earlier runs left, agent by agent. */
  async read(): Promise<ReadonlyMap<string, readonly EarlierReport[]>> {
    return new Map([...(await this.#former.read()), ...(await this.#file.read())]);
  }

  /** Keeps the frames for the next start. @returns how many were kept */
  write(frames: readonly Uint8Array[]): Promise<number> {
    return this.#file.write(frames);
  }

  /** The reporter has all that earlier runs left. What this run keeps at its end stays. */
  async removeEarlier(): Promise<void> {
    await this.#former.remove();
    await this.#file.removeEarlier();
  }

  /** The reporter has all that the files have. */
  async remove(): Promise<void> {
    await this.#former.remove();
    await this.#file.remove();
  }

  async knowsReporter(): Promise<boolean> {
    return (await this.#file.knowsReporter()) || (await this.#former.knowsReporter());
  }

  noteReporter(): Promise<void> {
    return this.#file.noteReporter();
  }
}
