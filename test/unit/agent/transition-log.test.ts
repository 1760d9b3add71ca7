import { SharedCounters } from '@lars/runtime/counters';
import { expect, test } from 'vitest';
import type { Transition } from '../../../agent/src/balancer/balancer.ts';
import { type ShardCounter, shardCounters } from '../../../agent/src/counters.ts';
import { TransitionLog } from '../../../agent/src/shard/transition-log.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { host } from '../balancer/world.ts';

const MODULE = { modid: 1, cmdid: 2 };
const transition = (to: Transition['to']): Transition => ({
  host: host(80),
  to,
  cause: 'error-rate',

  numbers: { limit: 0.1, stateMs: 1.23456 },
});

function newLog() {
  const { log, records } = recordingLog();
  const counters = new SharedCounters<ShardCounter>(shardCounters);
  return { transitions: new TransitionLog(log, counters), counters, records };
}

test('every transition is counted by its kind; changes of sides are logged with their numbers, and so is shedding; probes are not', () => {
  const { transitions, counters, records } = newLog();
  const kinds = ['ejected', 'probed', 'probed', 'shedding', 'shedding-over', 'healthy'] as const;
  for (const to of kinds) transitions.add(MODULE, transition(to));
  expect(counters.toObject()).toMatchObject({ ejections: 1, probes: 2, sheddings: 1, recoveries: 1 });
  const lines = [
    ['warn', 'host ejected'],
    ['warn', 'module refuses calls: work waits at its hosts'],
    ['info', 'module refuses no calls any more'],
    ['info', 'host recovered'],
  ];
  const fields = { module: '1/2', host: '10.0.0.1:80', cause: 'error-rate', rule: 'LB-7', limit: 0.1, stateMs: 1.235 };
  expect(records.map(record => [record.level, record.event, record.fields])).toEqual(lines.map(line => [...line, fields]));
});

test('a flood is cut, counted, and logged again in the next period', () => {
  const { transitions, counters, records } = newLog();
  for (let i = 0; i < 60; i++) transitions.add(MODULE, transition('ejected'));
  expect([records.length, counters.get('transitionsUnlogged'), counters.get('ejections')]).toEqual([50, 10, 60]);
  transitions.refill();
  transitions.add(MODULE, transition('healthy'));
  expect(records.length).toBe(51);
});
