/** A thread for the supervisor's tests: it does what the test tells it over a BroadcastChannel, and says what it meets. */
import { BroadcastChannel } from 'node:worker_threads';
import { StartupError } from '@lars/runtime/errors';
import { runThread, type Thread } from '../../../agent/src/threads/thread.ts';

export interface ScriptedThreadData {
  /** The name of the test's BroadcastChannel. */
  readonly channel: string;
  readonly lastPort: number;
  readonly start: 'serve' | 'wait' | 'refuse' | 'break';
  /** The thread stays blocked from the command `block` until the first cell is not zero. */
  readonly gate: SharedArrayBuffer;
}

export interface Command {
  readonly to: string;
  readonly act: 'go' | 'crash' | 'exit' | 'spin' | 'block' | 'hang-at-stop' | 'post' | 'post-and-crash' | 'log' | 'guard';
  /** For `post`: to whom. */
  readonly peer?: string;
}

export interface Said {
  readonly from: string;
  readonly event: 'waiting' | 'serving' | 'obeys' | 'guarded' | 'connected' | 'mail' | 'stopped';
  readonly value: unknown;
}

const FIRST_PORT = 4_001;

type Say = (event: Said['event'], value?: unknown) => void;

class Commands {
  readonly go: Promise<void>;
  hangsAtStop = false;
  readonly #thread: Thread<ScriptedThreadData>;
  readonly #say: Say;
  readonly #goOn: () => void;

  constructor(thread: Thread<ScriptedThreadData>, say: Say) {
    this.#thread = thread;
    this.#say = say;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.go = promise;
    this.#goOn = resolve;
  }

  obey({ to, act, peer }: Command): void {
    if (to !== this.#thread.name) return;
    this.#say('obeys', act);
    if (act === 'go') this.#goOn();
    else if (act === 'crash') throw new Error('crashed as told');
    else if (act === 'exit') process.exit(3);
    else if (act === 'spin') for (;;);
    else if (act === 'block') Atomics.wait(new Int32Array(this.#thread.data.gate), 0, 0);
    else if (act === 'hang-at-stop') this.hangsAtStop = true;
    else if (act === 'guard') void this.#thread.withoutTermination(() => this.#guarded());
    else if (act === 'log') this.#thread.log.warn('something happened', { number: 7 });
    else this.#thread.post(peer as never, `from ${to}` as never);
    if (act === 'post-and-crash') throw new Error('crashed as told');
  }

  #guarded(): Promise<void> {
    this.#say('guarded');
    return this.go;
  }
}

runThread<ScriptedThreadData, unknown>(async thread => {
  const { channel: name, start, lastPort } = thread.data;
  const channel = new BroadcastChannel(name);
  const say: Say = (event, value = undefined) => channel.postMessage({ from: thread.name, event, value } satisfies Said);
  const commands = new Commands(thread, say);
  channel.onmessage = event => commands.obey((event as { data: Command }).data);
  if (start === 'refuse') throw new StartupError('EADDRINUSE', 'port 1 is taken');
  if (start === 'break') throw new TypeError('a bug at the start');
  if (start === 'wait') {
    say('waiting');
    await commands.go;
  }
  say('serving', lastPort);
  return {
    port: lastPort === 0 ? FIRST_PORT : lastPort,
    transport: 'scripted',
    onMessage: mail => say('mail', mail),
    onConnect: peer => say('connected', peer),
    stop: async () => {
      if (commands.hangsAtStop) await new Promise(() => undefined);
      say('stopped');
      channel.close();
    },
  };
});
