// pure
const BARS = '▁▂▃▄▅▆▇█';

/** One character a number, as high as it is beside the highest; '·' for 0. */
export function sparkline(values: readonly number[]): string {
  const highest = values.reduce((most, value) => Math.max(most, value), 0);
  return values.map(value => (value === 0 ? '·' : BARS[Math.ceil((value / highest) * BARS.length) - 1])).join('');
}

/** How many neighbours go into one group, where so many values are to become so many groups at most. */
export function groupSize(values: number, groups: number): number {
  return Math.max(1, Math.ceil(values / groups));
}

/** The sums of each `size` neighbours; the last group may be smaller. */
export function grouped(values: readonly number[], size: number): number[] {
  const sums = new Array<number>(Math.ceil(values.length / size)).fill(0);
  values.forEach((value, i) => {
    const group = Math.floor(i / size);
    sums[group] = (sums[group] ?? 0) + value;
  });
  return sums;
}
