/**
 * LARS at work: business code calls a module of HTTP servers through LARS, servers get into trouble, and a live table shows where
 * the calls go. `npm run demo -- --help` lists the flags.
 */
import { constants } from 'node:os';
import { messageOf } from '@lars/runtime/errors';
import { type DemoOptions, parseOptions } from './demo/options.ts';
import { playOutage } from './demo/outage-demo.ts';
import { Screen } from './demo/screen.ts';
import { playTroubles } from './demo/troubles-demo.ts';

/** After a signal the process ends within this time, whatever hangs. */
const LEAVE_MS = 1_900;

const parsed = parseOptions(process.argv.slice(2));
if (parsed.kind === 'options') process.exitCode = await runDemo(parsed.options);
else if (parsed.kind === 'help') process.stdout.write(parsed.text);
else {
  process.stderr.write(`demo: ${parsed.problem}; --help tells the flags\n`);
  process.exitCode = 2;
}

/** @returns the exit code */
async function runDemo(options: DemoOptions): Promise<number> {
  const interruption = watchForInterruption();
  const screen = new Screen(options.json ? process.stderr : process.stdout);
  process.once('exit', () => screen.finish());
  try {
    const result = await play(options, screen, interruption);
    if (result === undefined) return exitCodeOf(interruption.reason);
    process.stdout.write(result);
    return 0;
  } catch (error) {
    process.stderr.write(`demo: ${messageOf(error)}\n`);
    return 1;
  } finally {
    screen.finish();
  }
}

/** @returns the text to print; undefined when the demo was interrupted */
function play(options: DemoOptions, screen: Screen, interruption: AbortSignal): Promise<string | undefined> {
  return options.show === 'troubles' ? playTroubles(options, screen, interruption) : playOutage(options, screen, interruption);
}

/** Fires with the name of the signal that asks the demo to end, or with what is wrong with the streams that it writes to. */
function watchForInterruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      controller.abort(name);
      setTimeout(() => process.exit(exitCodeOf(name)), LEAVE_MS).unref();
    });
  }
  for (const stream of [process.stdout, process.stderr]) stream.on('error', error => controller.abort(error));
  return controller.signal;
}

/** As shells have it: 128 and the number of the signal. */
function exitCodeOf(reason: unknown): number {
  return reason === 'SIGINT' || reason === 'SIGTERM' ? 128 + constants.signals[reason] : 1;
}
