/** A service of the product on a machine, as an init system runs it: started again when it ends by itself, killed and stopped by the faults. */
import type { Service } from '@lars/runtime/lifecycle';
import { type Logger, recordLogger } from '@lars/runtime/log';
import { kernel } from '../host/kernel.ts';
import type { Machine } from '../host/machine.ts';
import { type ProcessEnd, SimulatedProcess } from '../host/process.ts';

export interface ServiceDeps<Running extends Service> {
  start(log: Logger): Promise<Running>;
  onStarted?(process: SimulatedProcess, running: Running): void;
  onLog?(process: SimulatedProcess, event: string, fields: Readonly<Record<string, unknown>>): void;
  /** The process is there, and none of its code has run. */
  onBegin?(process: SimulatedProcess): void;
}

/** This line says that a message made the product stumble. */
const BUG = 'a message could not be handled';
/** All who speak here keep to the protocol, so that nobody has a reason to close a connection for such. */
const BAD_PROTOCOL = /^BAD_/;
const RESTART_MS = 1_500;

/** What the faults need of a service. */
export type Killable = Pick<SimulatedService<Service>, 'name' | 'process' | 'isStopping' | 'start' | 'stop' | 'kill'>;

export class SimulatedService<Running extends Service> {
  readonly name: string;
  readonly machine: Machine;
  readonly #deps: ServiceDeps<Running>;
  process: SimulatedProcess | undefined;
  running: Running | undefined;
  #isWanted = false;
  #incarnation = 0;

  constructor(name: string, machine: Machine, deps: ServiceDeps<Running>) {
    this.name = name;
    this.machine = machine;
    this.#deps = deps;
  }

  get isStopping(): boolean {
    return this.process !== undefined && !this.#isWanted;
  }

  get isUp(): boolean {
    return this.running !== undefined;
  }

  start(): void {
    this.#isWanted = true;
    if (this.process !== undefined) return;
    this.#incarnation += 1;
    const process = new SimulatedProcess(`${this.name}.${this.#incarnation}`, this.machine);
    this.process = process;
    process.atEnd(how => this.#onEnd(process, how));
    kernel.trace(`${process.name} starts`);
    this.#deps.onBegin?.(process);
    kernel.schedule(kernel.between(1, 30), process, () => {
      this.#deps.start(this.#logOf(process)).then(
        running => this.#onStarted(process, running),
        (error: Error) => {
          kernel.trace(`${process.name} cannot start: ${error.message}`);
          process.end('killed');
        },
      );
    });
  }

  /** Ends at once. */
  kill(how: ProcessEnd): void {
    this.#isWanted = false;
    this.process?.end(how);
  }

  /** Ends in order; one that does not run yet, or hangs for too long, is killed. */
  stop(): void {
    this.#isWanted = false;
    const { process, running } = this;
    if (process === undefined) return;
    if (running === undefined) {
      process.end('killed');
      return;
    }
    kernel.trace(`${process.name} is asked to stop`);
    kernel.schedule(0, process, () => void running.stop().then(() => process.end('stopped')));
    const deadlineMs = (running.stopDeadlineMs ?? 2_000) + 500;
    kernel.schedule(deadlineMs, undefined, () => process.end('killed'));
  }

  #onStarted(process: SimulatedProcess, running: Running): void {
    if (process !== this.process) return;
    this.running = running;
    this.#deps.onStarted?.(process, running);
    void running.failed.then(async error => {
      kernel.trace(`${process.name} cannot go on: ${error.message}`);
      await running.stop();
      process.end('killed');
    });
  }

  #onEnd(process: SimulatedProcess, how: ProcessEnd): void {
    kernel.trace(`${process.name} has ended: ${how}`);
    this.process = undefined;
    this.running = undefined;
    if (this.#isWanted) kernel.schedule(kernel.between(0.2, 1) * RESTART_MS, undefined, () => this.#isWanted && this.start());
  }

  #logOf(process: SimulatedProcess): Logger {
    return recordLogger(({ level, event, fields }) => {
      kernel.trace(`${process.name} ${level} ${event} ${JSON.stringify(fields)}`);
      if (event === BUG || BAD_PROTOCOL.test(String(fields['reason'])))
        kernel.violate(`${process.name}: ${event} ${JSON.stringify(fields)}`);
      this.#deps.onLog?.(process, event, fields);
    });
  }
}
