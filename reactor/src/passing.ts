// pure
import type { Connection, Listener, ListenOptions } from './engine.ts';

/** Is told of the descriptors that an engine has: of connections, listeners and pipes, and of what it waits by. It must not throw. */
export interface DescriptorWatcher {
  onOwned(fd: number): void;
  /** It is closed next, or has been given away. */
  onGone(fd: number): void;
}

/**
 * How engines of the threads of one process pass connections to each other, without a message: the thread that has accepted one puts its descriptor into the set in
 * which the other thread waits, which is told of it by the first thing that happens to it. Only engines on epoll can.
 */
export interface Passing {
  /** What others name this engine by. */
  readonly inbox: number;
  /** As the engine's `listen`, where nothing is made of a connection but its descriptor, which is the caller's. */
  accept(options: ListenOptions, onAccept: (fd: number) => void): Promise<Listener>;
  /**
   * From now on the thread waits for what is passed to it.
   * @param isMine whether this is the descriptor that was passed with this tag, and not one that had its number before: asked once for each
   * @param serve starts the connection
   */
  receive(isMine: (fd: number, tag: number) => boolean, serve: (connection: Connection, fd: number, tag: number) => void): void;
  /**
   * @param inbox of an engine that receives
   * @param tag what to tell it, negative, other than -1, and not the one with which a descriptor of this number was passed before
   * @throws {Error} as Node's, with `code`
   */
  pass(fd: number, inbox: number, tag: number): void;
  /** The engine has not been told of it, and will not be. */
  takeBack(fd: number, inbox: number): void;
  /** Closes what an engine has left whose thread has died: a descriptor, or what it received by. */
  closeLeft(fd: number): void;
}
