/** The main thread's side: reads the files of section [security] at the start and at each SIGHUP, and tells the threads. */
import type { Clock } from '../clock.ts';
import { onReload } from '../config/reload.ts';
import { messageOf, StartupError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { isSecured, type LinkSecurity, NO_SECURITY, type SecurityOptions, securityDetails } from './link-security.ts';

export interface SecurityKeeperDeps {
  readonly log: Logger;
  readonly clock: Clock;
  /** Called with each set of files that was read after the first. */
  readonly onChanged: (security: LinkSecurity) => void;
}

/** There is still time for a working day. */
const WARN_DAYS = 14;

export class SecurityKeeper {
  readonly #options: SecurityOptions;
  readonly #deps: SecurityKeeperDeps;
  #current: LinkSecurity = NO_SECURITY;
  #reloading: Promise<void> = Promise.resolve();
  #forget: (() => void) | undefined;

  private constructor(options: SecurityOptions, deps: SecurityKeeperDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /**
   * Reads the files that the conf names. A certificate whose time is over does not keep a service from starting: an agent without its links
   * serves the routes that it knows.
   * @throws {StartupError} BAD_SECURITY_FILE naming the key, the file and what is wrong with it
   */
  static async open(options: SecurityOptions, deps: SecurityKeeperDeps): Promise<SecurityKeeper> {
    const keeper = new SecurityKeeper(options, deps);
    if (options.tls_folder === '' && options.token_file === '') return keeper;
    const { security, dateProblem } = await keeper.#read().catch((cause: unknown) => {
      throw new StartupError('BAD_SECURITY_FILE', messageOf(cause), { cause });
    });
    keeper.#current = security;
    if (dateProblem !== undefined) deps.log.error(`${dateProblem}: no remote will take it`);
    keeper.#warnOfExpiry();
    keeper.#forget = onReload(() => keeper.reload());
    return keeper;
  }

  get current(): LinkSecurity {
    return this.#current;
  }

  get isSecured(): boolean {
    return isSecured(this.#current);
  }

  /** For /healthz. */
  get details(): Readonly<Record<string, string | number>> {
    return securityDetails(this.#current, this.#deps.clock.unixMs());
  }

  /** Until the certificate expires, below 0 afterwards; undefined without TLS. */
  get certificateSecondsLeft(): number | undefined {
    const { tls } = this.#current;
    return tls === undefined ? undefined : (tls.expiresAtMs - this.#deps.clock.unixMs()) / 1_000;
  }

  /** Reads the files again, for new connections. Files that are wrong change nothing, and the log says so. Resolves when that is done. */
  reload(): Promise<void> {
    this.#reloading = this.#reloading.then(() => this.#reload());
    return this.#reloading;
  }

  close(): void {
    this.#forget?.();
  }

  async #reload(): Promise<void> {
    const { log, onChanged } = this.#deps;
    try {
      const { security, dateProblem } = await this.#read();
      if (dateProblem !== undefined) throw new Error(dateProblem);
      this.#current = security;
      onChanged(security);
      log.info('certificates and token read again, for new connections', this.details);
      this.#warnOfExpiry();
    } catch (error) {
      log.error('certificates and token not reloaded, those before stay', { error: messageOf(error) });
    }
  }

  async #read(): Promise<{ readonly security: LinkSecurity; readonly dateProblem: string | undefined }> {
    const { tls_folder: folder, token_file: tokenFile, check_names: checkNames = false } = this.#options;
    // Loaded where they are needed: a service without them saves the memory.
    const pems =
      folder === ''
        ? undefined
        : await named('tls_folder', async () =>
            (await import('./pem-folder.ts')).readPemFolder(folder, this.#deps.clock.unixMs()),
          );
    const tokens =
      tokenFile === '' ? [] : await named('token_file', async () => (await import('./token-file.ts')).readTokenFile(tokenFile));
    const tls = pems === undefined ? undefined : { ...pems.files, checkNames };
    const problem = pems?.dateProblem;
    return { security: { tls, tokens }, dateProblem: problem === undefined ? undefined : `[security] tls_folder: ${problem}` };
  }

  #warnOfExpiry(): void {
    const { certificateDaysLeft: days } = this.details;
    if (typeof days === 'number' && days >= 0 && days < WARN_DAYS) this.#deps.log.warn('the certificate expires soon', { days });
  }
}

async function named<T>(key: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw new Error(`[security] ${key}: ${messageOf(cause)}`, { cause });
  }
}
