import { parseArgs } from 'node:util';
import { PLANS } from './scenarios/all.ts';
import type { Plan } from './scenarios/plan.ts';

export interface Flags {
  readonly plans: readonly Plan[];
  readonly seeds: readonly number[];
  /** How many random worlds of each kind. */
  readonly worlds: number;
  /** Print all that is known of each scenario. */
  readonly detail: boolean;
  /** Write the page and the pictures: asked for, and everything is played as the page says. */
  readonly writes: boolean;
}

const SEEDS = 5;
const WORLDS = 200;
const QUICK_WORLDS = 20;
const FIRST_SEED = 1;

/** @throws {Error} that names the flag which is wrong, and what would be right */
export function parseFlags(args: readonly string[]): Flags {
  const { values } = parseArgs({
    args: [...args],
    options: {
      print: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      detail: { type: 'boolean', default: false },
      seed: { type: 'string', default: String(FIRST_SEED) },
      scenario: { type: 'string' },
    },
  });
  const first = parseSeed(values.seed);
  const plans = values.scenario === undefined ? PLANS : values.scenario.split(',').map(findPlan);
  const isWhole = values.scenario === undefined && !values.quick && first === FIRST_SEED;
  return {
    plans,
    seeds: Array.from({ length: values.quick ? 1 : SEEDS }, (_, index) => first + index),
    worlds: values.scenario === undefined ? (values.quick ? QUICK_WORLDS : WORLDS) : 0,
    detail: values.detail,
    writes: isWhole && !values.print,
  };
}

function findPlan(name: string): Plan {
  const plan = PLANS.find(one => one.name === name);
  if (plan === undefined) throw new Error(`--scenario: '${name}' is none of ${PLANS.map(one => one.name).join(', ')}`);
  return plan;
}

function parseSeed(told: string): number {
  if (!/^\d{1,9}$/.test(told)) throw new Error(`--seed: '${told}' is no whole number from 0 to 999999999`);
  return Number(told);
}
