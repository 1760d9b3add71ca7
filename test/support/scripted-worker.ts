/** A worker that speaks the dispatcher's protocol by hand: it does what a test says, and nothing of itself. */
import { connect, Socket } from 'node:net';
import { type DispatcherFrame, decodeDispatcherFrame, encodeFrame, type WorkerFrame } from '@lars/dispatch/protocol';
import { WorkerStatus } from '@lars/dispatch/shared-status';
import { type Descriptors, loadDescriptors } from '@lars/reactor';
import { FrameSplitter } from '@lars/reactor/number-frames';
import { eventually } from './eventually.ts';

export async function descriptorsHere(): Promise<Descriptors> {
  const outcome = await loadDescriptors();
  if ('unavailable' in outcome) throw new Error(outcome.unavailable);
  return outcome.descriptors;
}

export class ScriptedWorker {
  readonly frames: DispatcherFrame[] = [];
  isClosed = false;
  readonly #path: string;
  readonly #control: Socket;
  readonly #descriptors: Descriptors;
  #second = -1;
  #closePage = () => {};

  private constructor(path: string, descriptors: Descriptors) {
    this.#path = path;
    this.#descriptors = descriptors;
    const splitter = new FrameSplitter();
    this.#control = connect(path);
    this.#control.on('data', chunk =>
      splitter.push(chunk as Uint8Array, bytes => this.frames.push(decodeDispatcherFrame(bytes))),
    );
    this.#control.on('error', () => undefined);
    this.#control.on('close', () => {
      this.isClosed = true;
    });
  }

  /** Connects, and says nothing. */
  static async connect(path: string): Promise<ScriptedWorker> {
    const worker = new ScriptedWorker(path, await descriptorsHere());
    await eventually('connected', () => !worker.#control.connecting);
    return worker;
  }

  /** A worker that gets connections. */
  static async join(path: string, { maxConnections = 0, open = 0, version = 1 } = {}): Promise<ScriptedWorker> {
    const worker = await ScriptedWorker.connect(path);
    worker.say({ kind: 'hello', version, maxConnections, ticket: 0 });
    worker.say({ kind: 'status', taken: 0, open });
    const welcome = await worker.next('welcome');
    worker.attach(welcome.session);
    return worker;
  }

  attach(session: number): void {
    this.#second = this.#descriptors.connect(this.#path);
    this.#descriptors.sendBytes(this.#second, encodeFrame({ kind: 'attach', session }));
  }

  say(frame: WorkerFrame): void {
    this.write(encodeFrame(frame));
  }

  write(bytes: Uint8Array): void {
    this.#control.write(bytes);
  }

  /** The dispatcher's next frame, which must be of that kind. */
  async next<K extends DispatcherFrame['kind']>(kind: K): Promise<DispatcherFrame & { readonly kind: K }> {
    const frame = await eventually(kind, () => this.frames.shift());
    if (frame.kind !== kind) throw new Error(`${frame.kind} came instead of ${kind}`);
    return frame as DispatcherFrame & { readonly kind: K };
  }

  /** The descriptor of the next connection. */
  receive(): number | undefined {
    return this.receiveAll()[0];
  }

  /** The descriptors of the next message. */
  receiveAll(): readonly number[] {
    const received = this.#descriptors.receive(this.#second);
    return received.kind === 'message' ? received.fds : [];
  }

  closeDescriptor(fd: number): void {
    this.#descriptors.close(fd);
  }

  /** Of version 2: where it says what it has. */
  async openStatus(): Promise<WorkerStatus> {
    await this.next('look');
    const page = this.#descriptors.openPage(this.receive() ?? -1);
    this.#closePage = () => page.close();
    return new WorkerStatus(page);
  }

  /** Takes the next connection, and says that it is the only one it has. */
  async take(): Promise<Socket> {
    const { number } = await this.next('connection');
    const fd = this.receive();
    if (fd === undefined) throw new Error('no descriptor came');
    this.say({ kind: 'status', taken: number, open: 1 });
    return new Socket({ fd });
  }

  /** Ends as a process does that is killed. */
  kill(): void {
    this.#control.destroy();
    if (this.#second >= 0) this.#descriptors.close(this.#second);
    this.#second = -1;
    this.#closePage();
  }
}
