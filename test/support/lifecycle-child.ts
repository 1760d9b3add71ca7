/** A process that runs scripted services until it is told to stop; started by test/unit/runtime/lifecycle.test.ts. */

import { runUntilStopped, type Service } from '@lars/runtime/lifecycle';
import { recordLogger } from '@lars/runtime/log';

export interface ScriptedService {
  readonly name: string;
  /** How its stop ends. */
  readonly stop: 'soon' | 'never' | 'throws';
  /** It fails by itself with this message. */
  readonly fails?: string;
}

const say = (line: string) => process.stdout.write(`${line}\n`);

function scripted({ name, stop, fails }: ScriptedService): Service {
  return {
    name,
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

const services = (JSON.parse(process.argv[2] ?? '[]') as ScriptedService[]).map(scripted);
// A timer keeps the process alive as a server's socket would.
setInterval(() => undefined, 60_000);
const ended = runUntilStopped(
  services,
  recordLogger(({ level, event }) => say(`${level}: ${event}`)),
);
say('ready');
process.exitCode = await ended;
process.exit();
