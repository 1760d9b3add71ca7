import type { DispatcherOptions } from '@lars/dispatcher';
import type { ListenPlace } from '@lars/runtime/listen-place';
import type { LogOptions } from '@lars/runtime/log-options';
import { type Command, Option } from 'commander';
import { parseInetPlace, parseListenPlace } from '../arguments/listen-place.ts';
import { decimalOption, integerOption } from '../arguments/number.ts';
import { UsageError } from '../errors.ts';
import type { Shell } from '../shell.ts';
import { runDetached } from '../system/run-detached.ts';
import { detachOption } from './options.ts';

const EXAMPLES = `
Workers are programs that connect to the UNIX socket: with @lars/dispatch any Node server is one (serveDispatched), and dispatch/README.md has
the protocol for other languages. Each connection goes to the worker that has the fewest; it is not read from before, and a worker that dies or
hangs before it has taken a connection loses it to another. Behind -- stands the program that is to be started and watched as --workers
processes; SIGHUP replaces them one after the other, each by a new one before it drains. With --json, one line {"event": "ready", ...} tells
the ports. Ctrl-C (or SIGTERM) stops accepting, lets the workers that it has started drain, and ends.

A new version is started with the same arguments and --takeover: it gets the listening sockets of the one that runs, with all connections that
wait in them, and what no worker has taken; workers that were started by somebody else move to it with their connections. Those that the old one
has started drain, and it ends. When the new one fails before it is ready, the old one goes on. With --detach it runs in the background, and the
command returns when it is ready. Sockets of systemd (LISTEN_FDS) that are at a
place of --listen are used too.

Examples:
  lars dispatch --listen 0.0.0.0:80 --listen '[::]:80' --socket /run/app/dispatch.sock
  lars dispatch --listen 127.0.0.1:8080 --socket /tmp/app.sock --workers 4 -- node server.js
  lars dispatch --takeover --listen 127.0.0.1:8080 --socket /tmp/app.sock --workers 4 -- node server-2.js
`;

interface DispatchFlags {
  readonly listen: readonly ListenPlace[];
  readonly socket: string;
  readonly socketMode: number;
  readonly takeover: boolean;
  readonly detach: boolean;
  readonly workers?: number;
  readonly maxPerWorker: number;
  readonly maxWorkers: number;
  readonly maxWaiting: number;
  readonly waitLimit: number;
  readonly handOverLimit: number;
  readonly stallLimit: number;
  readonly refuseBy: DispatcherOptions['refuseBy'];
  readonly startLimit: number;
  readonly drainLimit: number;
  readonly backlog: number;
  readonly http?: { readonly host: string; readonly port: number };
  readonly logLevel: LogOptions['level'];
}

/** A connection tells its listener in one byte. */
const MAX_LISTENERS = 256;
const MAX_WORKERS = 4_096;
const MAX_CONNECTIONS = 1_000_000;
const MAX_BACKLOG = 65_535;
const MAX_SECONDS = 86_400;
/** A worker that hangs has this many connections at most that are not served meanwhile. */
const MAX_UNTAKEN = 64;
/** When it stops. */
const LAST_WAIT_MS = 1_000;

/** `lars dispatch`: accepts connections, and passes each to the worker process with the fewest. */
export function addDispatch(program: Command, shell: Shell): void {
  const seconds = (flag: string, text: string, value: number) =>
    new Option(`${flag} <s>`, text).argParser(decimalOption(flag, 0, MAX_SECONDS, 'a number of seconds')).default(value);
  const number = (flag: string, text: string, min: number, max: number, value?: number) =>
    new Option(`${flag} <n>`, text).argParser(integerOption(flag, min, max)).default(value);
  program
    .command('dispatch')
    .description('accept connections, and pass each to the worker process with the fewest')
    .argument('[command...]', 'the worker program and its arguments, behind --')
    .addOption(listenOption())
    .addOption(new Option('--socket <path>', 'the UNIX socket to which workers connect').makeOptionMandatory())
    .addOption(
      new Option('--socket-mode <mode>', 'its file mode, octal: who may be a worker').argParser(fileMode).default(0o600, '600'),
    )
    .addOption(
      new Option('--takeover', 'take over from the dispatcher that runs at --socket, if one does; it then ends').default(false),
    )
    .addOption(detachOption())
    .addOption(number('--workers', 'start the program behind -- so many times, and watch it', 1, MAX_WORKERS))
    .addOption(number('--max-per-worker', 'connections that one worker may have', 1, MAX_CONNECTIONS, MAX_CONNECTIONS))
    .addOption(number('--max-workers', 'workers that may be connected', 1, MAX_WORKERS, 256))
    .addOption(number('--max-waiting', 'connections that may wait while no worker takes any', 0, MAX_CONNECTIONS, 1_024))
    .addOption(seconds('--wait-limit', 'how long a connection waits for a worker', 10))
    .addOption(seconds('--hand-over-limit', 'a worker that does not take a connection in this time loses it to another', 1))
    .addOption(seconds('--stall-limit', 'a worker that has not taken one for so long gets no more', 0.02))
    .addOption(
      new Option('--refuse-by <way>', 'how a client is told that nobody serves it').choices(['reset', 'close']).default('reset'),
    )
    .addOption(seconds('--start-limit', 'a started program that does not connect in this time, or again, is ended', 30))
    .addOption(seconds('--drain-limit', 'one that is replaced or stopped has so long to finish its connections', 30))
    .addOption(number('--backlog', 'connections that the kernel keeps until they are accepted', 1, MAX_BACKLOG, 1_024))
    .addOption(
      new Option('--http <ip:port>', '/healthz, /metrics and /workers').argParser(text => parseInetPlace('--http', text)),
    )
    .addOption(
      new Option('--log-level <level>', 'what is logged').choices(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
    )
    .addHelpText('after', EXAMPLES)
    .action(async (command: readonly string[], flags: DispatchFlags) => {
      const options = dispatcherOptions(command, flags);
      if (flags.detach) {
        shell.exitCode = await runDetached();
        return;
      }
      const { runDispatcher } = await import('../system/run-dispatcher.ts');
      shell.exitCode = await runDispatcher(shell, options, { level: flags.logLevel, format: 'auto' });
    });
}

function listenOption(): Option {
  return new Option('--listen <place>', 'IP:PORT, [IPV6]:PORT or unix:PATH; may stand several times')
    .argParser((text, before: readonly ListenPlace[] | undefined) => [...(before ?? []), parseListenPlace('--listen', text)])
    .makeOptionMandatory();
}

function dispatcherOptions(command: readonly string[], flags: DispatchFlags): DispatcherOptions {
  const [file, ...args] = command;
  if ((file === undefined) !== (flags.workers === undefined)) {
    throw new UsageError('--workers and a program behind -- belong together: lars dispatch … --workers 4 -- node server.js');
  }
  if (flags.listen.length > MAX_LISTENERS) throw new UsageError(`--listen: at most ${MAX_LISTENERS} places`);
  return {
    listen: flags.listen,
    backlog: flags.backlog,
    socketPath: flags.socket,
    socketMode: flags.socketMode,
    takesOver: flags.takeover,
    refuseBy: flags.refuseBy,
    lastWaitMs: LAST_WAIT_MS,
    pool: {
      limits: { maxPerWorker: flags.maxPerWorker, maxUntaken: MAX_UNTAKEN, stallMs: flags.stallLimit * 1_000 },
      queue: { maxConnections: flags.maxWaiting, maxWaitMs: flags.waitLimit * 1_000 },
      handOverMs: flags.handOverLimit * 1_000,
      maxWorkers: flags.maxWorkers,
    },
    processes:
      file === undefined || flags.workers === undefined
        ? undefined
        : {
            count: flags.workers,
            command: [file, ...args],
            startMs: flags.startLimit * 1_000,
            drainMs: flags.drainLimit * 1_000,
          },
    http: flags.http === undefined ? undefined : { ip: flags.http.host, port: flags.http.port },
  };
}

function fileMode(text: string): number {
  if (/^0?[0-7]{3}$/.test(text)) return Number.parseInt(text, 8);
  throw new UsageError(`--socket-mode ${text}: expected three octal digits, such as 660`);
}
