/** The clients of a TCP measurement as a process of their own. Run by fork; the parent uses ClientProcess. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { constants, setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type ProbeOptions, probe, type Sample } from './tcp-probe.ts';
import { type PushTimes, type SubscribersOptions, subscribe } from './tcp-subscribers.ts';

type Order = { readonly probe: ProbeOptions } | { readonly subscribe: SubscribersOptions };

const THIS_FILE = fileURLToPath(import.meta.url);

export class ClientProcess {
  readonly #child: ChildProcess;

  constructor() {
    this.#child = fork(THIS_FILE);
  }

  probe(options: ProbeOptions): Promise<readonly Sample[]> {
    return this.#answer({ probe: options });
  }

  /** Resolves when all are subscribed. */
  async subscribe(options: SubscribersOptions): Promise<void> {
    await this.#answer({ subscribe: options });
  }

  /** When the subscribers hear of the next change. */
  async nextPush(): Promise<PushTimes> {
    const [times] = await once(this.#child, 'message');
    return times;
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
  }

  async #answer<T>(order: Order): Promise<T> {
    this.#child.send(order);
    const [answer] = await once(this.#child, 'message');
    return answer;
  }
}

if (process.argv[1] === THIS_FILE) {
  const report = (result: unknown) => process.send?.(result);
  process.on('message', (order: Order) => {
    if ('probe' in order) void probe(order.probe).then(report);
    else {
      // They stand for other machines: what they do with a push must not take the processor from those who are measured.
      setPriority(constants.priority.PRIORITY_LOW);
      void subscribe(order.subscribe, report).then(() => report({}));
    }
  });
}
