import type { Engine } from '@lars/reactor';
import type { Logger } from '@lars/runtime/log';
import { SocketFileWatch } from '@lars/runtime/socket-file-watch';
import type { Cores } from '../cores.ts';
import type { ListeningSockets } from './listening-sockets.ts';

export interface ListenerFilesDeps {
  readonly engine: Pick<Engine, 'after'>;
  readonly log: Logger;
  readonly sockets: ListeningSockets;
  readonly cores: Pick<Cores, 'renew'>;
  /** Another process has been offered the sockets, and may have them in a moment. */
  readonly isOffering: () => boolean;
}

/** Looks after the files of the UNIX sockets to which clients connect. */
export class ListenerFiles {
  readonly #watches: readonly SocketFileWatch[];
  #isStopped = false;

  constructor({ engine, log, sockets, cores, isOffering }: ListenerFilesDeps) {
    this.#watches = sockets.files.map(({ socket, name, file }) => {
      let isMissing = false;
      const replace = async () => {
        const mayReplace = () => !this.#isStopped && !isOffering();
        // Who had connected before the file went is accepted until the next look.
        const wasMissing = isMissing;
        isMissing = !wasMissing;
        if (!wasMissing || !mayReplace()) return undefined;
        const fresh = await sockets.replace(socket, mayReplace);
        if (fresh !== undefined) await cores.renew(socket);
        return fresh;
      };
      return new SocketFileWatch(`listener ${name}`, file, { after: (ms, callback) => engine.after(ms, callback), log, replace });
    });
  }

  stop(): void {
    this.#isStopped = true;
    for (const watch of this.#watches) watch.stop();
  }
}
