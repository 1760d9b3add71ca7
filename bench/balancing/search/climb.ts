// pure
/** Hill climbing with a small population: draw many, keep the worst few, change them a little, and keep what is worse still. */
import type { Draw } from '../sim/draw.ts';

export interface Hill<T> {
  readonly draw: (draw: Draw) => T;
  readonly mutate: (one: T, draw: Draw) => T;
  /** What the climb makes as high as it can. */
  readonly height: (one: T) => number;
}

export interface Place<T> {
  readonly at: T;
  readonly height: number;
}

/** This part of the rounds only draws, ... */
const DRAWN_PART = 0.3;
/** ... and this part of the others, for the hill that is climbed may be a low one. */
const DRAWN_LATER_PART = 0.2;
const POPULATION = 5;

/** @param watch told of each place that is higher than all before */
export function climb<T>(hill: Hill<T>, rounds: number, draw: Draw, watch: (place: Place<T>, round: number) => void): Place<T> {
  let population: Place<T>[] = [];
  for (let round = 1; round <= rounds; round++) {
    const isDrawn = population.length === 0 || round <= rounds * DRAWN_PART || draw.chance(DRAWN_LATER_PART);
    const at = isDrawn ? hill.draw(draw) : hill.mutate((population[draw.index(population.length)] as Place<T>).at, draw);
    const place = { at, height: hill.height(at) };
    if (place.height > (population[0]?.height ?? Number.NEGATIVE_INFINITY)) watch(place, round);
    population = [...population, place].sort((a, b) => b.height - a.height).slice(0, POPULATION);
  }
  return population[0] as Place<T>;
}
