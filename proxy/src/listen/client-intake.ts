import type { Connection, ConnectionHandler, Engine } from '@lars/reactor';
import type { FirstLook } from './first-look.ts';

/** What the wait for a client's first bytes came to. */
export type IntakeEnd =
  /** They are enough. */
  | 'enough'
  /** They will not become more: the client has ended its direction. */
  | 'ended'
  /** Time or size is at its limit. */
  | 'timeout'
  | 'full'
  /** The client has left. */
  | 'gone';

export interface ClientWatcher {
  onClientGone(): void;
}

const NOTHING = new Uint8Array(0);

/**
 * A client's connection until a relay takes it: notices when the client leaves, takes what it had said by the time it was accepted, and collects its first bytes while somebody
 * wants to see them. Whatever comes otherwise stays in the kernel.
 */
export class ClientIntake implements ConnectionHandler {
  /** Told once when the client leaves before the relay. */
  watcher: ClientWatcher | undefined;
  readonly #connection: Connection;
  readonly #engine: Engine;
  #bytes: Uint8Array = NOTHING;
  #isGone = false;
  #onProgress: (() => void) | undefined;

  constructor(connection: Connection, engine: Engine, firstLook: FirstLook) {
    this.#connection = connection;
    this.#engine = engine;
    if (firstLook.isDue()) {
      const arrived = connection.readArrived();
      if (arrived.length > 0) this.#bytes = new Uint8Array(arrived);
      firstLook.note(arrived.length > 0);
    }
    connection.start(this);
    connection.pause();
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** What was collected and not dropped. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  drop(length: number): void {
    this.#bytes = this.#bytes.slice(length);
  }

  /**
   * Collects until `isEnough`, which is asked for what is there already, too.
   * @param maxBytes what is collected at most, give or take one read
   */
  collect(isEnough: (bytes: Uint8Array) => boolean, maxBytes: number, timeoutMs: number): Promise<IntakeEnd> {
    return new Promise(resolve => {
      const end = (result: IntakeEnd) => {
        this.#onProgress = undefined;
        this.#connection.pause();
        timer.cancel();
        resolve(result);
      };
      const timer = this.#engine.after(timeoutMs, () => end('timeout'));
      const look = () => {
        if (this.#isGone) end('gone');
        else if (this.#bytes.length > 0 && isEnough(this.#bytes)) end('enough');
        else if (this.#connection.hasRemoteEnded) end('ended');
        else if (this.#bytes.length >= maxBytes) end('full');
        else return true;
        return false;
      };
      if (!look()) return;
      this.#onProgress = look;
      this.#connection.resume();
    });
  }

  onData(_connection: Connection, bytes: Uint8Array): void {
    const all = new Uint8Array(this.#bytes.length + bytes.length);
    all.set(this.#bytes);
    all.set(bytes, this.#bytes.length);
    this.#bytes = all;
    this.#onProgress?.();
  }

  /** Nothing is answered: the relay passes the end on. */
  onEnd(): void {
    this.#onProgress?.();
  }

  onClose(): void {
    this.#isGone = true;
    this.#onProgress?.();
    this.watcher?.onClientGone();
  }
}
