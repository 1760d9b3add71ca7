// pure
/** A world in a sentence. */
import { ordinaryLoad, timeoutMs } from './spare-capacity.ts';
import type { Fault, WorkShape, WorldParameters } from './world-parameters.ts';

const TIMES = ['never', 'once', 'twice'];

export function describeWorld(world: WorldParameters): string {
  const parts = [traffic(world), `a call takes ${readMs(world.serviceMs)}${spreadOf(world.work)}`, ...oddities(world)];
  return `${parts.join('; ')}.`;
}

function traffic(world: WorldParameters): string {
  const { hosts, workers, agents, ratePerSec } = world;
  const load = Math.round(100 * ordinaryLoad(world));
  return `${count(hosts, 'host')} of ${count(workers, 'worker')} ${hosts === 1 ? 'serves' : 'serve'} ${count(ratePerSec, 'call')} a second of ${count(agents, 'agent')} (load ${load} %)`;
}

function spreadOf(work: WorkShape): string {
  switch (work.shape) {
    case 'constant':
      return ', always';
    case 'exponential':
      return ' on average, exponentially distributed';
    case 'lognormal':
      return ` on average, with a ${work.variation > 1 ? 'heavy tail (variation' : 'lognormal distribution (variation'} ${work.variation})`;
    case 'two sizes':
      return ` on average, ${percents(work.share)} of them ${work.ratio} times as long as the others`;
  }
}

function oddities(world: WorldParameters): string[] {
  const { inequality, regression, burst, sharedErrors, pauses, reportLoss, reportsTcost, fault } = world;
  return [
    `callers give up after ${readMs(timeoutMs(world))}`,
    ...when(world.errorRate > 0, `${percents(world.errorRate)} are errors, ${errorLength(world.errorWork)}`),
    ...when(inequality > 1, `the slowest host takes ${inequality} times as long as the fastest`),
    ...when(regression > 1, `all hosts become ${regression} times slower for good`),
    ...when(burst > 1, `bursts bring ${burst} times as many calls`),
    ...when(sharedErrors > 0, `${TIMES[sharedErrors] ?? `${sharedErrors} times`} all hosts err in a quarter of the calls`),
    ...when(
      pauses !== null,
      `${pauses?.whose} now and then ${pauses?.whose === 'one host' ? 'is' : 'are'} ${pauses?.slowness} times slower for ${readMs(pauses?.lengthMs ?? 0)}`,
    ),
    ...when(reportLoss > 0, `${percents(reportLoss)} of the reports are lost`),
    ...when(!reportsTcost, 'callers tell no durations'),
    ...(fault === null ? [] : [faultOf(fault)]),
  ];
}

function errorLength(errorWork: number): string {
  if (errorWork === 1) return 'as slow as answers';
  return errorWork < 1 ? `in ${percents(errorWork)} of the time of an answer` : `${errorWork} times as slow as answers`;
}

function faultOf({ how, hosts, errorRate }: Fault): string {
  const who = `for a while ${count(hosts, 'host')}`;
  switch (how) {
    case 'refuses':
      return `${who} ${hosts === 1 ? 'refuses' : 'refuse'} connections`;
    case 'is silent':
      return `${who} ${hosts === 1 ? 'does' : 'do'} not answer`;
    case 'errs':
      return `${who} ${hosts === 1 ? 'errs' : 'err'} in ${percents(errorRate)} of the calls`;
    case 'is slow':
      return `${who} ${hosts === 1 ? 'is' : 'are'} six times slower`;
  }
}

function when(holds: boolean, part: string): string[] {
  return holds ? [part] : [];
}

function count(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
}

function percents(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}

function readMs(ms: number): string {
  return ms < 1_000 ? `${Number(ms.toPrecision(3))} ms` : `${Number((ms / 1_000).toPrecision(3))} s`;
}
