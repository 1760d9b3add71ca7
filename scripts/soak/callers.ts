import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { CallerOptions, FromCaller, RoundCounts, ToCaller } from './caller-messages.ts';

const ANSWER_MS = 90_000;
const SCRIPT = path.join(import.meta.dirname, 'caller.ts');

export interface AllCounts {
  readonly rounds: readonly RoundCounts[];
  /** Results that the SDK says it has dropped. */
  readonly droppedResults: number;
}

interface Caller {
  readonly child: ChildProcess;
  /** Rejects when the process has ended. */
  readonly ended: Promise<never>;
}

/** The processes that call: one picks from copies, the other asks the agent for each call. */
export class Callers {
  readonly #callers: readonly Caller[];

  /** @param callsPerSec of all together */
  constructor(udpPort: number, callsPerSec: number) {
    this.#callers = [true, false].map(cache => startCaller({ udpPort, cache, callsPerSec: callsPerSec / 2 }));
  }

  /** Resolves when all of them call the modules of this round. */
  async beginRound(round: number): Promise<void> {
    await Promise.all(this.#callers.map(caller => ask(caller, { type: 'round', round }, 'calling')));
  }

  async stop(): Promise<AllCounts> {
    const told = await Promise.all(this.#callers.map(caller => ask(caller, { type: 'stop' }, 'counts')));
    const counts = told.filter(message => message.type === 'counts');
    return {
      rounds: counts.flatMap(({ rounds }) => rounds),
      droppedResults: counts.reduce((sum, { droppedResults }) => sum + droppedResults, 0),
    };
  }

  abandon(): void {
    for (const { child } of this.#callers) if (child.exitCode === null) child.kill('SIGKILL');
  }
}

function startCaller(options: CallerOptions): Caller {
  const child = fork(SCRIPT, [JSON.stringify(options)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ended = once(child, 'exit').then(([code, signal]): never => {
    throw new Error(`a caller ended by itself (${code ?? signal})`);
  });
  // It matters only to who waits for an answer.
  ended.catch(() => undefined);
  return { child, ended };
}

async function ask({ child, ended }: Caller, message: ToCaller, answer: FromCaller['type']): Promise<FromCaller> {
  const answered = once(child, 'message', { signal: AbortSignal.timeout(ANSWER_MS) });
  child.send(message);
  const [told] = (await Promise.race([answered, ended])) as [FromCaller];
  if (told.type !== answer) throw new Error(`a caller said ${told.type} and not ${answer}`);
  return told;
}
