/** A process that runs scripted services until it is told to stop; started by test/unit/runtime/lifecycle.test.ts. */

import { once } from 'node:events';
import { StartupError } from '@lars/runtime/errors';
import { runUntilStopped, type Service, startUnlessStopped } from '@lars/runtime/lifecycle';
import { recordLogger } from '@lars/runtime/log';
import { ProcessSignals } from '@lars/runtime/process-signals';
import { HandOver } from '@lars/runtime/succession/hand-over';

export interface ScriptedService {
  readonly name: string;
  /** How its stop ends. */
  readonly stop: 'soon' | 'never' | 'throws';
  /** It fails by itself with this message. */
  readonly fails?: string;
  /** Another process takes its place. */
  readonly handsOver?: true;
}

const say = (line: string) => process.stdout.write(`${line}\n`);

function scripted({ name, stop, fails, handsOver }: ScriptedService): Service {
  const handOver = new HandOver();
  if (handsOver) handOver.finish();
  return {
    name,
    handOver,
    failed: fails === undefined ? new Promise(() => undefined) : Promise.resolve(new Error(fails)),
    stop: async () => {
      say(`stopping ${name}`);
      if (stop === 'throws') throw new Error(`${name} is stuck`);
      if (stop === 'never') await new Promise(() => undefined);
      await new Promise(resolve => setImmediate(resolve));
      say(`stopped ${name}`);
    },
  };
}

/** How the start of the services goes; 'waits': until it is told to stop, 'slow': until then, and is gone through with all the same. */
export type ScriptedStart = 'soon' | 'waits' | 'slow' | 'never';

async function start(how: ScriptedStart, stopping: AbortSignal): Promise<readonly Service[]> {
  if (how !== 'soon') say('starting');
  if (how === 'never') await new Promise(() => undefined);
  if (how === 'waits' || how === 'slow') await once(stopping, 'abort');
  if (how === 'waits') throw new StartupError('STOPPED', 'no database');
  return (JSON.parse(process.argv[2] ?? '[]') as ScriptedService[]).map(scripted);
}

// A timer keeps the process alive as a server's socket would.
setInterval(() => undefined, 60_000);
const log = recordLogger(({ level, event }) => say(`${level}: ${event}`));
const signals = new ProcessSignals();
const started = await startUnlessStopped(stopping => start((process.argv[3] ?? 'soon') as ScriptedStart, stopping), log, signals);
if (started.kind === 'ended') process.exit(started.exitCode);
const ended = runUntilStopped(started.result, log, signals);
say('ready');
process.exitCode = await ended;
process.exit();
