/** node:dgram for simulated processes. */
import { EventEmitter } from 'node:events';
import { systemError } from './disk.ts';
import { currentProcess, kernel } from './kernel.ts';
import type { Bound } from './machine.ts';
import { network, type Place } from './network.ts';
import type { SimulatedProcess } from './process.ts';

type Done = (error: Error | null) => void;

export class Socket extends EventEmitter implements Bound {
  readonly process: SimulatedProcess = currentProcess();
  #port = 0;
  #ip = '0.0.0.0';
  #remote: Place | undefined;
  #isClosed = false;
  readonly #forget: () => void;

  constructor() {
    super();
    this.#forget = this.process.atEnd(() => this.#unbind());
  }

  bind({ address, port }: { readonly address: string; readonly port: number }, onListening: () => void): this {
    this.once('listening', onListening);
    this.#later(() => {
      if (port !== 0 && this.#udp.has(port)) this.emit('error', systemError('EADDRINUSE', 'bind'));
      else {
        this.#ip = address;
        this.#take(port);
        this.emit('listening');
      }
    });
    return this;
  }

  connect(port: number, address: string): void {
    this.#later(() => {
      this.#remote = { machine: network.resolve(this.process.machine, address), port };
      this.#take(0);
      this.emit('connect');
    });
  }

  /** Either to the address that it is connected to, or to the one that is named. */
  send(bytes: Uint8Array, ...rest: readonly [Done] | readonly [number, string, Done]): void {
    if (this.#isClosed) throw systemError('ERR_SOCKET_DGRAM_NOT_RUNNING', 'send');
    const onSent = rest.at(-1) as Done;
    const to =
      rest.length === 3 ? { machine: network.resolve(this.process.machine, rest[1]), port: rest[0] } : (this.#remote as Place);
    this.#later(() => onSent(null));
    network.taps?.onSent(this.#place, to, bytes);
    this.#transmit(bytes.slice(), to);
  }

  address(): { readonly address: string; readonly port: number } {
    return { address: this.#ip, port: this.#port };
  }

  getRecvBufferSize(): number {
    return 262_144;
  }

  setRecvBufferSize(): void {}

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  close(onClosed?: () => void): this {
    if (this.#isClosed) throw systemError('ERR_SOCKET_DGRAM_NOT_RUNNING', 'close');
    if (onClosed !== undefined) this.once('close', onClosed);
    this.#isClosed = true;
    this.#unbind();
    this.#forget();
    this.#later(() => this.emit('close'));
    return this;
  }

  get #udp(): Map<number, Bound> {
    return this.process.machine.udp;
  }

  #later(work: () => void): void {
    kernel.schedule(0, this.process, work);
  }

  #take(port: number): void {
    if (this.#isClosed) return;
    this.#port = port === 0 ? network.freePort() : port;
    this.#udp.set(this.#port, this);
  }

  #unbind(): void {
    if (this.#udp.get(this.#port) === this) this.#udp.delete(this.#port);
  }

  get #place(): Place {
    return { machine: this.process.machine, port: this.#port };
  }

  #transmit(bytes: Uint8Array, to: Place): void {
    const { trouble } = network;
    if (kernel.chance(trouble.udpLossShare)) return;
    this.#carry(bytes, to);
    if (kernel.chance(trouble.udpDuplicateShare)) this.#carry(bytes.slice(), to);
  }

  /** In the kernel of the receiver, which looks who has the port when the datagram is there; the process reads it when it can. */
  #carry(bytes: Uint8Array, { machine, port }: Place): void {
    const from = this.#place;
    kernel.schedule(network.udpDelay(), undefined, () => {
      const receiver = machine.udp.get(port);
      if (receiver instanceof Socket) kernel.schedule(0, receiver.process, () => receiver.#read(bytes, from));
      else this.#refuse(port);
    });
  }

  #read(bytes: Uint8Array, from: Place): void {
    if (this.#isClosed || (this.#remote !== undefined && this.#remote.port !== from.port)) return;
    network.taps?.onRead(from, this.#place, bytes);
    const address = from.machine === this.process.machine ? '127.0.0.1' : from.machine.ip;
    this.emit('message', Buffer.from(bytes), { address, port: from.port });
  }

  /** An ICMP message says that nobody listens there; only a connected socket hears of it. */
  #refuse(port: number): void {
    if (this.#remote?.port !== port || this.#isClosed) return;
    kernel.schedule(network.udpDelay(), this.process, () => {
      if (this.#isClosed) return;
      network.taps?.onRefused(this.#place);
      this.emit('error', systemError('ECONNREFUSED', 'recvmsg'));
    });
  }
}

export function createSocket(_type: unknown): Socket {
  return new Socket();
}
