// pure
import type { DispatcherFrame } from '@lars/dispatch/protocol';
import type { SendOutcome } from '@lars/reactor';
import { WorkerAccount } from './worker-account.ts';

/** The first connection of a worker. */
export interface ControlPort {
  /** Frames leave in order; what the worker does not read waits here, at most a few bytes for each descriptor that it may have untaken. */
  sendFrame(frame: DispatcherFrame): void;
  /** Ends both directions; what the worker wrote before is read still, and then the end is told. */
  shutdown(): void;
}

/** The second connection of a worker. */
export interface DescriptorPort {
  sendDescriptor(fd: number): SendOutcome;
  close(): void;
}

/** What a worker is at the moment, and what it has then. */
export type SessionState =
  | { readonly kind: 'greeting' }
  | { readonly kind: 'attaching'; readonly account: WorkerAccount; readonly ticket: number }
  | {
      readonly kind: 'ready' | 'leaving' | 'dismissed';
      readonly account: WorkerAccount;
      readonly ticket: number;
      readonly descriptors: DescriptorPort;
    };

/** One worker, from its connecting until it is gone. */
export class WorkerSession {
  readonly id: number;
  readonly control: ControlPort;
  readonly sinceMs: number;
  /** Its socket takes no more descriptors at the moment. */
  isFull = false;
  #state: SessionState = { kind: 'greeting' };

  constructor(id: number, control: ControlPort, nowMs: number) {
    this.id = id;
    this.control = control;
    this.sinceMs = nowMs;
  }

  get kind(): SessionState['kind'] {
    return this.#state.kind;
  }

  get account(): WorkerAccount | undefined {
    return this.#state.kind === 'greeting' ? undefined : this.#state.account;
  }

  /** 0 for a worker that somebody else started. */
  get ticket(): number {
    return this.#state.kind === 'greeting' ? 0 : this.#state.ticket;
  }

  /** It may be chosen. */
  get isReady(): boolean {
    return this.#state.kind === 'ready' && !this.isFull;
  }

  /** @returns false when it has said hello before */
  greet(maxOpen: number, ticket: number): boolean {
    if (this.#state.kind !== 'greeting') return false;
    this.#state = { kind: 'attaching', account: new WorkerAccount(maxOpen), ticket };
    return true;
  }

  /** @returns false when nobody asked for that connection */
  attach(descriptors: DescriptorPort): boolean {
    if (this.#state.kind !== 'attaching') return false;
    this.#state = { ...this.#state, kind: 'ready', descriptors };
    return true;
  }

  /** It gets no more connections. @returns whether it could have got some */
  leave(kind: 'leaving' | 'dismissed'): boolean {
    const state = this.#state;
    if (state.kind !== 'ready' && (state.kind !== 'leaving' || kind === 'leaving')) return false;
    this.#state = { ...state, kind };
    return true;
  }

  sendDescriptor(fd: number): SendOutcome {
    return this.#state.kind === 'ready' ? this.#state.descriptors.sendDescriptor(fd) : 'gone';
  }

  close(): void {
    this.control.shutdown();
    if ('descriptors' in this.#state) this.#state.descriptors.close();
  }
}
