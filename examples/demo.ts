/**
 * LARS at work: business code calls a module of HTTP servers through LARS, one server is stopped and started again, and a live table
 * shows where the calls go. `npm run demo -- --help` tells the flags.
 */
import { constants } from 'node:os';
import { messageOf } from '@lars/runtime/errors';
import { recordLogger } from '@lars/runtime/log';
import { Decisions } from './demo/decisions.ts';
import { type DemoOptions, parseOptions } from './demo/options.ts';
import { Screen } from './demo/screen.ts';
import { outageStory, type StoryTime, tellStory } from './demo/story.ts';
import { type DemoResult, type Rules, resultAsJson, resultAsText } from './demo/summary.ts';
import type { DemoView } from './demo/table.ts';
import { MODULE, startWorld, type World } from './demo/world.ts';

const SHOWN_DECISIONS = 3;
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

/** @returns what is to be printed; undefined when the demo was interrupted */
async function play(options: DemoOptions, screen: Screen, interruption: AbortSignal): Promise<string | undefined> {
  const decisions = new Decisions(SHOWN_DECISIONS);
  const log = recordLogger(record => decisions.add(record));
  const world = await startWorld({ ...options, log });
  try {
    const ended = AbortSignal.any([interruption, failureOf(world)]);
    const onTick = (time: StoryTime) => screen.draw(viewOf(world, time, decisions));
    await tellStory(outageStory(world.fleet, world.score, options.phaseSeconds), { signal: ended, onTick });
    if (interruption.aborted) return undefined;
    ended.throwIfAborted();
    screen.finish();
    await world.finish();
    const result = resultOf(world, options);
    return options.json ? `${resultAsJson(result)}\n` : `\n${resultAsText(result, rulesOf(world))}`;
  } finally {
    await world.remove();
  }
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

function failureOf({ lars }: World): AbortSignal {
  const controller = new AbortController();
  void lars.failed.then(error => controller.abort(error));
  return controller.signal;
}

function viewOf({ fleet, score }: World, time: StoryTime, decisions: Decisions): DemoView {
  const nowMs = performance.now();
  score.look(nowMs);
  return {
    ...time,
    windowSeconds: score.windowMs / 1_000,
    ratePerSecond: score.ratePerSecond(nowMs),
    ...score.totals,
    hosts: fleet.hosts.map(({ authority, running }) => ({
      authority,
      running,
      share: score.share(authority, nowMs),
      ...score.countsOf(authority),
    })),
    events: decisions.lines,
  };
}

function resultOf({ lars, score }: World, { seed, hosts, ratePerSecond, phaseSeconds }: DemoOptions): DemoResult {
  const { windowMs, totals } = score;
  const outage = score.outage();
  if (outage === undefined) throw new Error('the story was told without an outage');
  const stored = lars.storedCalls(MODULE.modid, MODULE.cmdid);
  return { seed, hosts, ratePerSecond, phaseSeconds, windowMs, totals, outage, stored };
}

function rulesOf({ lars }: World): Rules {
  const { contin_err_limit, probe_num, overload_timeout } = lars.loadbalance;
  return { continErrLimit: contin_err_limit, probeNum: probe_num, overloadTimeoutSeconds: overload_timeout };
}
