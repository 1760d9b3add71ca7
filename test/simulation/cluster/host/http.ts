/** node:http for simulated processes: a server that nobody asks. */
import { EventEmitter } from 'node:events';
import { currentProcess, kernel } from './kernel.ts';

class QuietServer extends EventEmitter {
  readonly #process = currentProcess();

  listen(_port: number, _ip: string, onListening: () => void): this {
    kernel.schedule(0, this.#process, onListening);
    return this;
  }

  address(): { readonly port: number } {
    return { port: 0 };
  }

  unref(): this {
    return this;
  }

  close(onClosed: () => void): this {
    kernel.schedule(0, this.#process, onClosed);
    return this;
  }

  closeAllConnections(): void {}
}

export const http = { createServer: () => new QuietServer() };
