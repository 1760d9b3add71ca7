/**
 * Tells systemd how this process is, as sd_notify(3) does: datagrams to the socket that NOTIFY_SOCKET names. Node has no datagrams on such
 * sockets, so they go through the C library.
 */

import { Errno, systemError } from '@lars/syscalls/errno';
import { messageOf } from './errors.ts';
import type { Logger } from './log.ts';
import { type Libc, loadLibc } from './udp/libc.ts';

export interface SystemdOptions {
  /** A path, or '@' and a name in Linux' abstract namespace. */
  readonly socket: string;
  /** systemd kills a process that is silent for so long; undefined: it does not watch. */
  readonly watchdogMs: number | undefined;
}

/** Within the time that systemd allows there is room for one message that comes late. */
const MESSAGES_PER_WATCHDOG = 3;

/** Linux. */
const AF_UNIX = 1;
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000;
/** `sun_path` of sockaddr_un, which ends with a zero byte. */
const MAX_PATH_BYTES = 107;
const PATH_AT = 2;
/** Behind the longest message. */
const ADDRESS_AT = 64;

/** What systemd has put into the environment; undefined where it wants to be told nothing. */
export function systemdOptions(env: NodeJS.ProcessEnv, pid: number): SystemdOptions | undefined {
  const socket = env['NOTIFY_SOCKET'] ?? '';
  if (!/^[/@]./.test(socket) || Buffer.byteLength(socket) > MAX_PATH_BYTES) return undefined;
  const usec = Number(env['WATCHDOG_USEC']);
  const isMeant = env['WATCHDOG_PID'] === undefined || env['WATCHDOG_PID'] === String(pid);
  return { socket, watchdogMs: isMeant && usec > 0 ? usec / 1_000 : undefined };
}

export class SystemdNotifier {
  readonly #libc: Libc;
  readonly #options: SystemdOptions;
  readonly #log: Logger;
  readonly #fd: number;
  /** A field, so that it lives while the C library reads it. */
  readonly #memory = new Uint8Array(ADDRESS_AT + PATH_AT + MAX_PATH_BYTES + 1);
  readonly #addressBytes: number;
  #watchdogMs: number | undefined;
  #hasLeft = false;
  #hasFailed = false;

  /** undefined where systemd wants to be told nothing, or cannot be told: then with a line in the log. */
  static async open(env: NodeJS.ProcessEnv, log: Logger, load = loadLibc): Promise<SystemdNotifier | undefined> {
    const options = systemdOptions(env, process.pid);
    if (options === undefined) return undefined;
    const outcome = await load();
    if ('libc' in outcome) return new SystemdNotifier(outcome.libc, options, log);
    const advice = 'give its unit Type=exec and no WatchdogSec';
    log.error(`systemd cannot be told that the service is ready; ${advice}`, { error: outcome.unavailable });
    return undefined;
  }

  private constructor(libc: Libc, options: SystemdOptions, log: Logger) {
    this.#libc = libc;
    this.#options = options;
    this.#log = log;
    this.#fd = libc.socket(AF_UNIX, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0);
    const name = socketName(options.socket);
    new DataView(this.#memory.buffer).setUint16(ADDRESS_AT, AF_UNIX, true);
    this.#memory.set(name, ADDRESS_AT + PATH_AT);
    this.#addressBytes = PATH_AT + name.length;
  }

  /** The service does its work: after its start, and after `reloading`. */
  ready(): void {
    this.#send('READY=1');
  }

  reloading(): void {
    this.#send(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1_000n}`);
  }

  stopping(): void {
    this.#send('STOPPING=1');
  }

  /**
   * Another process takes the place of this one, whose end means nothing any more. Only this one may say so, and it says nothing afterwards.
   * @returns how often systemd wants a sign of life of it, ms; 0 = never
   */
  leaveTo(pid: number): number {
    this.#send(`MAINPID=${pid}`);
    this.#hasLeft = true;
    return this.#watchdogMs ?? 0;
  }

  /**
   * As long as the process does its work, and `isAlive` says that its other threads do, systemd lets it live.
   * @param inheritedMs what systemd wants of the process whose place this one has taken: the environment of this one does not say it
   */
  watch(isAlive: () => boolean, inheritedMs?: number): void {
    this.#watchdogMs = this.#options.watchdogMs ?? inheritedMs;
    if (this.#watchdogMs === undefined) return;
    const tell = () => {
      if (isAlive()) this.#send('WATCHDOG=1');
    };
    setInterval(tell, this.#watchdogMs / MESSAGES_PER_WATCHDOG).unref();
  }

  #send(state: string): void {
    if (this.#hasLeft) return;
    const { written } = new TextEncoder().encodeInto(state, this.#memory.subarray(0, ADDRESS_AT));
    const start = this.#libc.addressOf(this.#memory.buffer);
    if (this.#libc.sendto(this.#fd, start, written, 0, start + ADDRESS_AT, this.#addressBytes) >= 0) return;
    const errno = this.#libc.errno();
    // systemd is busy, and hears the next.
    if (this.#hasFailed || errno === Errno.EAGAIN) return;
    this.#hasFailed = true;
    this.#log.error('systemd cannot be told how the service is', { error: messageOf(systemError('sendto', errno)) });
  }
}

/** An abstract name begins with a zero byte, a path ends with one. */
function socketName(socket: string): Uint8Array {
  return new TextEncoder().encode(socket.startsWith('@') ? `\0${socket.slice(1)}` : `${socket}\0`);
}
