import type { Logger } from '@lars/runtime/log';
import { BackoffRestarts, type RestartPolicy } from '@lars/runtime/threads/restart-policy';
import { startWorkerProcess, type WorkerProcess } from './child-process.ts';
import type { WorkerProcessesOptions } from './options.ts';

export interface WorkerProcessesDeps {
  readonly log: Logger;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Monotonic. */
  readonly nowMs: () => number;
  readonly socketPath: string;
  /** Tells the worker with this ticket to finish. @returns false when it is not connected */
  readonly drain: (ticket: number) => boolean;
  /** Default: starts a process. */
  readonly startProcess?: (ticket: number) => WorkerProcess;
}

const RESTART_MIN_MS = 100;
const RESTART_MAX_MS = 10_000;
/** A program that has run this long is restarted quickly again. */
const STEADY_MS = 30_000;
/** From SIGTERM to SIGKILL. */
const KILL_MS = 2_000;

type ProgramState = 'starting' | 'ready' | 'draining' | 'ended';

/** One start of the program. */
class Program {
  readonly ticket: number;
  readonly process: WorkerProcess;
  readonly startedMs: number;
  /** Resolves with whether it became ready before it ended. */
  readonly readiness = Promise.withResolvers<boolean>();
  state: ProgramState = 'starting';
  timer: NodeJS.Timeout | undefined;
  /** Of a worker that comes again the new link may be there before the old one is known to be gone. */
  links = 0;

  constructor(ticket: number, process: WorkerProcess, startedMs: number) {
    this.ticket = ticket;
    this.process = process;
    this.startedMs = startedMs;
  }
}

/** A place for one worker: at most one program in it is not draining, except while it is replaced. */
interface Slot {
  readonly number: number;
  readonly policy: RestartPolicy;
  program: Program | undefined;
  restart: NodeJS.Timeout | undefined;
}

/** Starts the worker programs and watches them: one that ends is started again, with backoff; one that leaves is replaced before it is gone. */
export class WorkerProcesses {
  readonly #options: WorkerProcessesOptions;
  readonly #deps: WorkerProcessesDeps;
  readonly #slots: readonly Slot[];
  readonly #programs = new Map<number, Program>();
  #rolling: Promise<void> | undefined;
  #nextRoll: Promise<void> | undefined;
  #isStopping = false;

  constructor(options: WorkerProcessesOptions, deps: WorkerProcessesDeps) {
    const { random } = deps;
    const policy = () => new BackoffRestarts({ minMs: RESTART_MIN_MS, maxMs: RESTART_MAX_MS, steadyMs: STEADY_MS, random });
    this.#options = options;
    this.#deps = deps;
    this.#slots = Array.from({ length: options.count }, (_, number) => ({
      number,
      policy: policy(),
      program: undefined,
      restart: undefined,
    }));
  }

  start(): void {
    for (const slot of this.#slots) slot.program = this.#startProgram(slot);
  }

  /** Whether a worker with this ticket was started here and is not being replaced. One that an earlier dispatcher has started is not. */
  isWanted(ticket: number): boolean {
    const program = this.#programs.get(ticket);
    return program !== undefined && program.state !== 'draining';
  }

  onReady(ticket: number): void {
    const program = this.#programs.get(ticket);
    if (program === undefined) return;
    program.links += 1;
    if (program.state !== 'starting') return;
    clearTimeout(program.timer);
    program.state = 'ready';
    program.readiness.resolve(true);
  }

  /** The link of a worker is gone, and its program may run on: one that hangs does not come again by itself. */
  onGone(ticket: number): void {
    const program = this.#programs.get(ticket);
    if (program === undefined) return;
    program.links -= 1;
    const slot = this.#slots.find(one => one.program === program);
    if (program.links > 0 || program.state !== 'ready' || slot === undefined || this.#isStopping) return;
    program.state = 'starting';
    this.#expectReady(slot, program);
  }

  /** A worker leaves by itself: another one takes its place at once, while it drains. */
  onLeaving(ticket: number): void {
    const slot = this.#slots.find(({ program }) => program?.ticket === ticket);
    if (slot?.program?.state !== 'ready' || this.#isStopping) return;
    this.#deps.log.info('a worker leaves, and is replaced', { slot: slot.number, workerPid: slot.program.process.pid });
    const leaving = slot.program;
    slot.program = this.#startProgram(slot);
    this.#retire(leaving);
  }

  /** Replaces all programs, one slot after the other. Calls while that goes on have it done once more afterwards, for all of them together. */
  roll(): Promise<void> {
    if (this.#rolling === undefined) {
      this.#rolling = this.#roll().finally(() => {
        this.#rolling = undefined;
      });
      return this.#rolling;
    }
    const again = () => {
      this.#nextRoll = undefined;
      return this.roll();
    };
    this.#nextRoll ??= this.#rolling.then(again, again);
    return this.#nextRoll;
  }

  /** Ends all programs at once, because nobody waits for them any more. */
  abandon(): void {
    for (const { process } of this.#programs.values()) process.signal('SIGKILL');
  }

  /** Drains all programs, and waits for their end. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const { restart } of this.#slots) clearTimeout(restart);
    const programs = [...this.#programs.values()];
    for (const program of programs) this.#retire(program);
    await Promise.all(programs.map(({ process }) => process.ended));
  }

  async #roll(): Promise<void> {
    this.#deps.log.info('workers are replaced, one after the other', { workers: this.#slots.length });
    for (const slot of this.#slots) {
      if (this.#isStopping) return;
      if (!(await this.#replace(slot))) {
        this.#deps.log.error('the new worker did not become ready: the old ones stay', { slot: slot.number });
        return;
      }
    }
    this.#deps.log.info('all workers are replaced');
  }

  /** @returns false when the new program did not become ready; the old one stays then */
  async #replace(slot: Slot): Promise<boolean> {
    const fresh = this.#startProgram(slot);
    if (!(await fresh.readiness.promise)) {
      this.#retire(fresh);
      return false;
    }
    clearTimeout(slot.restart);
    const old = slot.program;
    slot.program = fresh;
    if (old === undefined) return true;
    this.#retire(old);
    await old.process.ended;
    return true;
  }

  #startProgram(slot: Slot): Program {
    const { startProcess = ticket => startWorkerProcess(this.#options.command, this.#deps.socketPath, ticket) } = this.#deps;
    const ticket = this.#newTicket();
    const program = new Program(ticket, startProcess(ticket), this.#deps.nowMs());
    this.#programs.set(ticket, program);
    this.#expectReady(slot, program);
    void program.process.ended.then(how => this.#onEnded(slot, program, how));
    return program;
  }

  #expectReady(slot: Slot, program: Program): void {
    program.timer = setTimeout(() => {
      this.#deps.log.error('a worker has not connected to the dispatcher in time, and is ended', {
        slot: slot.number,
        workerPid: program.process.pid,
        socket: this.#deps.socketPath,
        startLimitMs: this.#options.startMs,
      });
      this.#terminate(program);
    }, this.#options.startMs);
  }

  #onEnded(slot: Slot, program: Program, how: string): void {
    const wasDraining = program.state === 'draining';
    const fields = { slot: slot.number, workerPid: program.process.pid, how };
    clearTimeout(program.timer);
    program.state = 'ended';
    program.readiness.resolve(false);
    this.#programs.delete(program.ticket);
    if (wasDraining || this.#isStopping) this.#deps.log.info('worker ended', fields);
    if (slot.program !== program) return;
    slot.program = undefined;
    if (this.#isStopping) return;
    const delayMs = slot.policy.delayAfterDeath(this.#deps.nowMs(), program.startedMs) ?? RESTART_MAX_MS;
    const what =
      program.process.pid === undefined
        ? 'a worker could not be started, and is tried again'
        : 'a worker died, and is started again';
    this.#deps.log.error(what, { ...fields, afterMs: Math.round(delayMs) });
    slot.restart = setTimeout(() => {
      slot.program ??= this.#startProgram(slot);
    }, delayMs);
  }

  /** Lets a program finish its connections, and ends it when it does not within the time. */
  #retire(program: Program): void {
    if (program.state === 'draining' || program.state === 'ended') return;
    clearTimeout(program.timer);
    program.state = 'draining';
    program.readiness.resolve(false);
    if (!this.#deps.drain(program.ticket)) {
      this.#terminate(program);
      return;
    }
    program.timer = setTimeout(() => {
      this.#deps.log.warn('a worker has not drained in time, and is ended', { workerPid: program.process.pid });
      this.#terminate(program);
    }, this.#options.drainMs);
  }

  #terminate(program: Program): void {
    program.process.signal('SIGTERM');
    program.timer = setTimeout(() => program.process.signal('SIGKILL'), KILL_MS);
  }

  /** Not 0, and not that of a program of an earlier dispatcher. */
  #newTicket(): number {
    for (;;) {
      const ticket = 1 + Math.floor(this.#deps.random() * 0xffff_fffe);
      if (!this.#programs.has(ticket)) return ticket;
    }
  }
}
