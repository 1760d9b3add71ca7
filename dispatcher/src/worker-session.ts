// pure
import type { DispatcherFrame, ProtocolVersion } from '@lars/dispatch/protocol';
import type { StatusView } from '@lars/dispatch/shared-status';
import type { SendOutcome } from '@lars/reactor';
import type { ProtocolError } from '@lars/reactor/number-frames';
import { type Accepted, WorkerAccount } from './worker-account.ts';

/** The first connection of a worker. */
export interface ControlPort {
  /** Frames leave in order; what the worker does not read waits here, at most a few bytes for each descriptor that it may have untaken. */
  sendFrames(...frames: DispatcherFrame[]): void;
  /** Ends both directions; what the worker wrote before is read still, and then the end is told. */
  shutdown(): void;
  /** The worker does not keep to the protocol: closes, and tells the end. */
  refuse(error: ProtocolError): void;
}

/** The second connection of a worker. */
export interface DescriptorPort {
  /** How many descriptors a message may have. */
  readonly messageMax: number;
  /** Sends them in one message, all or none; each with its listener. */
  sendDescriptors(fds: readonly number[], listeners: readonly number[]): SendOutcome;
  /** Sends the page in which both sides say what they have. @param open what the worker has from before. @throws {ProtocolError} when there is none */
  shareStatus(open: number): StatusView;
  /** The page is gone then. */
  close(): void;
}

/** What a worker is at the moment, and what it has then. */
export type SessionState =
  | { readonly kind: 'greeting' }
  | { readonly kind: 'attaching'; readonly account: WorkerAccount; readonly version: ProtocolVersion; readonly ticket: number }
  | {
      readonly kind: 'ready' | 'leaving' | 'dismissed';
      readonly account: WorkerAccount;
      readonly version: ProtocolVersion;
      readonly ticket: number;
      readonly descriptors: DescriptorPort;
      /** Undefined for version 1, which says in frames what it has. */
      readonly status: StatusView | undefined;
    };

/** One worker, from its connecting until it is gone. */
export class WorkerSession {
  readonly id: number;
  readonly control: ControlPort;
  readonly sinceMs: number;
  /** Its socket takes no more descriptors at the moment. */
  isFull = false;
  #state: SessionState = { kind: 'greeting' };
  /** How many of the connections that it was given last are not sent yet. */
  #unsent: Accepted[] = [];

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

  get status(): StatusView | undefined {
    return 'status' in this.#state ? this.#state.status : undefined;
  }

  /** 0 for a worker that somebody else started. */
  get ticket(): number {
    return this.#state.kind === 'greeting' ? 0 : this.#state.ticket;
  }

  get isGreeting(): boolean {
    return this.#state.kind === 'greeting' || this.#state.kind === 'attaching';
  }

  /** Something of it has a time limit. */
  get isUnderWay(): boolean {
    return this.isGreeting || this.isFull || (this.account?.untaken ?? 0) > 0;
  }

  /** It may be chosen. */
  get isReady(): boolean {
    return this.#state.kind === 'ready' && !this.isFull;
  }

  /** @returns false when it has said hello before */
  greet(version: ProtocolVersion, maxOpen: number, ticket: number): boolean {
    if (this.#state.kind !== 'greeting') return false;
    this.#state = { kind: 'attaching', account: new WorkerAccount(maxOpen), version, ticket };
    return true;
  }

  /** @returns false when nobody asked for that connection. @throws {ProtocolError} */
  attach(descriptors: DescriptorPort): boolean {
    const state = this.#state;
    if (state.kind !== 'attaching') return false;
    const status = state.version === 1 ? undefined : descriptors.shareStatus(state.account.open);
    this.#state = { ...state, kind: 'ready', descriptors, status };
    if (status !== undefined) this.control.sendFrames({ kind: 'look' });
    return true;
  }

  /** It gets no more connections. @returns whether it could have got some */
  leave(kind: 'leaving' | 'dismissed'): boolean {
    const state = this.#state;
    if (state.kind !== 'ready' && (state.kind !== 'leaving' || kind === 'leaving')) return false;
    this.#state = { ...state, kind };
    return true;
  }

  /** Gives it a connection, which leaves with the next `flush`. @returns whether it is the first since the last one */
  give(connection: Accepted, nowMs: number): boolean {
    this.account?.add(connection, nowMs);
    return this.#unsent.push(connection) === 1;
  }

  /** Sends what it was given. @returns what could not be sent, and is nobody's now */
  flush(): readonly Accepted[] {
    const state = this.#state;
    const unsent = this.#unsent;
    if (unsent.length === 0 || !('descriptors' in state)) return NOTHING;
    this.#unsent = [];
    const sent = state.status === undefined ? this.#sendSingly(unsent, state) : this.#sendTogether(unsent, state);
    if (sent === unsent.length) return NOTHING;
    this.isFull = true;
    return state.account.removeLast(unsent.length - sent);
  }

  close(): void {
    this.control.shutdown();
    if ('descriptors' in this.#state) this.#state.descriptors.close();
  }

  /** One message for many, and a frame that wakes the worker. */
  #sendTogether(unsent: readonly Accepted[], { descriptors }: AttachedState): number {
    let sent = 0;
    while (sent < unsent.length) {
      const part = unsent.slice(sent, sent + descriptors.messageMax);
      const outcome = descriptors.sendDescriptors(
        part.map(({ fd }) => fd),
        part.map(({ listener }) => listener),
      );
      if (outcome !== 'sent') break;
      sent += part.length;
    }
    if (sent > 0) this.control.sendFrames({ kind: 'look' });
    return sent;
  }

  /** Version 1: a message and a frame for each. */
  #sendSingly(unsent: readonly Accepted[], { descriptors, account }: AttachedState): number {
    const frames: DispatcherFrame[] = [];
    for (const { fd, listener } of unsent) {
      if (descriptors.sendDescriptors([fd], [0]) !== 'sent') break;
      frames.push({ kind: 'connection', number: account.lastNumber - unsent.length + frames.length + 1, listener });
    }
    if (frames.length > 0) this.control.sendFrames(...frames);
    return frames.length;
  }
}

type AttachedState = SessionState & { readonly kind: 'ready' | 'leaving' | 'dismissed' };
const NOTHING: readonly Accepted[] = [];
