/** The clients of all languages behind one interface, so that one suite runs over them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { LarsClient, LarsError, type LarsHost, type Route } from '@lars/client-sdk';

export type Module = readonly [modid: number, cmdid: number];
type Options = Readonly<Record<string, unknown>>;

/** What a client is told. */
export type ClientCommand =
  | { readonly do: 'getHost' | 'getRoute' | 'register'; readonly module: Module; readonly options?: Options }
  | { readonly do: 'report'; readonly target: object; readonly result: object }
  | {
      readonly do: 'call';
      readonly module: Module;
      /** How long the function takes, whether it fails then, and what isFailure says of that. */
      readonly takesMs: number;
      readonly fails: boolean;
      readonly isFailure?: boolean;
      readonly options?: Options;
    }
  | { readonly do: 'stats' | 'close' };

/** What a driver is told: to make a client with a number, or something for the client with that number. */
export type Command = ({ readonly do: 'new'; readonly options: Options } | ClientCommand) & { readonly client: number };

export interface ToldHost {
  readonly modid: number;
  readonly cmdid: number;
  readonly host: string;
  readonly port: number;
  readonly weight: number;
  readonly zone: string;
  readonly drain: boolean;
  readonly authority: string;
  /** By which the driver knows the object, for a report. */
  readonly number?: number;
}

export interface ToldRoute {
  readonly hosts: readonly ToldHost[];
  readonly overload: boolean;
  readonly isVersioned: boolean;
}

/** An error of the client, or of a function given to `call`: that one has the code 'Failed'. */
export interface ToldError {
  readonly code: string;
  readonly message: string;
  readonly modid?: number | null;
  readonly cmdid?: number | null;
  /** The code of the LarsError that is its cause. */
  readonly cause?: string | null;
  /** The authority of its host. */
  readonly host?: string | null;
}

export interface Outcome {
  readonly value?: unknown;
  readonly error?: ToldError;
}

export interface SdkDriver {
  run(command: Command): Promise<Outcome>;
  end(): Promise<void>;
}

/** Makes clients with a driver. */
export class Sdk {
  readonly #driver: SdkDriver;
  #clients = 0;

  constructor(driver: SdkDriver) {
    this.#driver = driver;
  }

  async newClient(options: object): Promise<SdkClient> {
    const client = this.#clients + 1;
    const { error } = await this.tryNew(options);
    if (error !== undefined) throw new Error(error.message);
    return { run: command => this.#driver.run({ ...command, client }) };
  }

  tryNew(options: object): Promise<Outcome> {
    this.#clients += 1;
    return this.#driver.run({ do: 'new', client: this.#clients, options: { ...options } });
  }
}

export interface SdkClient {
  run(command: ClientCommand): Promise<Outcome>;
}

class Failed extends Error {}

/** `@lars/client-sdk`, which asks the agent for each call as the other clients do. */
export class TypeScriptDriver implements SdkDriver {
  readonly #clients = new Map<number, LarsClient>();
  readonly #hosts: LarsHost[] = [];

  async run(command: Command): Promise<Outcome> {
    try {
      return { value: await this.#run(command) };
    } catch (error) {
      return { error: toldError(error) };
    }
  }

  async end(): Promise<void> {
    for (const client of this.#clients.values()) await client.close();
  }

  async #run(command: Command): Promise<unknown> {
    if (command.do === 'new') {
      this.#clients.set(command.client, new LarsClient({ cache: false, ...command.options }));
      return undefined;
    }
    const client = this.#clients.get(command.client);
    if (client === undefined) throw new Error(`no client ${command.client}`);
    switch (command.do) {
      case 'getHost': {
        const host = await client.getHost(...command.module, command.options);
        return { ...toldHost(host), number: this.#hosts.push(host) - 1 };
      }
      case 'getRoute':
        return toldRoute(await client.getRoute(...command.module, command.options));
      case 'register':
        return toldRoute(await client.register(...command.module, command.options));
      case 'report': {
        const { number } = command.target as { readonly number?: number };
        const target = number === undefined ? command.target : this.#hosts[number];
        return client.report(target as LarsHost, command.result as { readonly ok: boolean });
      }
      case 'call': {
        const { takesMs, fails, isFailure } = command;
        const options = { ...command.options, ...(isFailure === undefined ? {} : { isFailure: () => isFailure }) };
        const run = async (host: LarsHost) => {
          await sleep(takesMs);
          if (fails) throw new Failed('no');
          return toldHost(host);
        };
        return client.call(...command.module, run, options);
      }
      case 'stats': {
        const { agentAway, fallbackPicks, unsentResults, droppedResults, late, malformed } = client.stats();
        return { agentAway, fallbackPicks, unsentResults, droppedResults, late, malformed };
      }
      case 'close':
        return client.close();
    }
  }
}

const PYTHON_FOLDER = fileURLToPath(new URL('../../python/', import.meta.url));

/** A client of the Python package, in a process of its own. */
export class PythonDriver implements SdkDriver {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (outcome: Outcome) => void>();
  readonly #exited: Promise<unknown>;
  #nextId = 1;

  /** @param sources where the package `lars` is, by default its sources */
  constructor(kind: 'Client' | 'AsyncClient', sources = `${PYTHON_FOLDER}src`) {
    const env = { ...process.env, PYTHONPATH: sources, PYTHONDONTWRITEBYTECODE: '1', PYTHONWARNINGS: 'error' };
    this.#child = spawn('python3', [`${PYTHON_FOLDER}tests/contract_driver.py`, kind], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env,
    });
    this.#exited = once(this.#child, 'exit').then(() => this.#failAll());
    const { stdout } = this.#child;
    if (stdout === null) throw new Error('the driver has no stdout');
    createInterface({ input: stdout }).on('line', line => this.#onLine(line));
  }

  run(command: Command): Promise<Outcome> {
    const id = this.#nextId++;
    return new Promise(resolve => {
      this.#waiting.set(id, resolve);
      this.#child.stdin?.write(`${JSON.stringify({ id, ...command })}\n`);
    });
  }

  /** The process ends by itself when its stdin does. */
  async end(): Promise<void> {
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 10_000);
    await this.#exited;
    clearTimeout(timer);
  }

  #onLine(line: string): void {
    const { id, value, error } = JSON.parse(line) as Outcome & { readonly id: number };
    const resolve = this.#waiting.get(id);
    this.#waiting.delete(id);
    resolve?.(error === undefined ? { value: camelKeys(value) } : { error });
  }

  #failAll(): void {
    for (const resolve of this.#waiting.values()) resolve({ error: { code: 'ENDED', message: 'the driver has ended' } });
    this.#waiting.clear();
  }
}

/** The names of statistics, which Python writes in snake_case. */
function camelKeys(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value ?? undefined;
  const entries = Object.entries(value);
  return Object.fromEntries(
    entries.map(([key, one]) => [key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()), one]),
  );
}

function toldHost({ modid, cmdid, host, port, weight, zone, drain, authority }: LarsHost): ToldHost {
  return { modid, cmdid, host, port, weight, zone, drain, authority };
}

function toldRoute({ hosts, overload, version }: Route): ToldRoute {
  return { hosts: hosts.map(toldHost), overload, isVersioned: version > 0 };
}

function toldError(error: unknown): ToldError {
  if (!(error instanceof LarsError)) return { code: (error as Error).constructor.name, message: (error as Error).message };
  const { code, message, modid, cmdid, cause, host } = error;
  const causeCode = cause instanceof LarsError ? cause.code : null;
  return { code, message, modid: modid ?? null, cmdid: cmdid ?? null, cause: causeCode, host: host?.authority ?? null };
}
