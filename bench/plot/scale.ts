// pure
/** From a value to a place on the paper. */
export interface Scale {
  readonly place: (value: number) => number;
  readonly ticks: readonly number[];
}

export interface Extent {
  readonly from: number;
  readonly to: number;
}

export function linearScale(domain: Extent, paper: Extent, ticks: readonly number[]): Scale {
  return bent(domain, paper, ticks, value => value);
}

/** Equal ratios have equal distances. Values must be above 0. */
export function logScale(domain: Extent, paper: Extent, ticks: readonly number[]): Scale {
  return bent(domain, paper, ticks, Math.log);
}

/** Has a zero like a linear scale, but gives small values more room. Values must not be below 0. */
export function squareRootScale(domain: Extent, paper: Extent, ticks: readonly number[]): Scale {
  return bent(domain, paper, ticks, Math.sqrt);
}

/** Values outside the domain are placed at its edge, ticks outside are left out. */
function bent(domain: Extent, paper: Extent, ticks: readonly number[], bend: (value: number) => number): Scale {
  const low = bend(domain.from);
  const width = bend(domain.to) - low;
  const clamp = (value: number) => Math.max(domain.from, Math.min(domain.to, value));
  return {
    place: value => paper.from + ((bend(clamp(value)) - low) / width) * (paper.to - paper.from),
    ticks: ticks.filter(tick => tick >= domain.from && tick <= domain.to),
  };
}
