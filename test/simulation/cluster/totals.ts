/** What many seeds have played, and how the lines at the end say it. */
import type { SeedResult } from './play-seed.ts';

/** By kind of fault: how many seeds had it, and how many of these found something. */
export interface KindCount {
  seeds: number;
  found: number;
}

/** The sums of many seeds. Plain data but for its methods: it crosses processes as JSON. */
export class Totals {
  seeds = 0;
  found = 0;
  picks = 0;
  calls = 0;
  virtualMs = 0;
  cpuSeconds = 0;
  readonly kinds: Record<string, KindCount> = {};

  addSeed({ plan, violation, picks, calls, virtualMs }: SeedResult): void {
    const found = violation === undefined ? 0 : 1;
    this.seeds += 1;
    this.found += found;
    this.picks += picks;
    this.calls += calls;
    this.virtualMs += virtualMs;
    const servers = [plan.dnsservers > 1 ? ['several dnsservers'] : [], plan.reporters > 1 ? ['several reporters'] : []].flat();
    for (const kind of [...plan.faults, ...servers]) this.#addKind(kind, { seeds: 1, found });
  }

  addAll(other: Totals): void {
    for (const name of ['seeds', 'found', 'picks', 'calls', 'virtualMs', 'cpuSeconds'] as const) this[name] += other[name];
    for (const [kind, count] of Object.entries(other.kinds)) this.#addKind(kind, count);
  }

  #addKind(kind: string, { seeds, found }: KindCount): void {
    const before = this.kinds[kind] ?? { seeds: 0, found: 0 };
    this.kinds[kind] = { seeds: before.seeds + seeds, found: before.found + found };
  }
}

export function formatTotals({ seeds, found, picks, calls, virtualMs, cpuSeconds }: Totals, seconds: number): string {
  const played = `${found} of ${seeds} found something; ${picks} picks, ${calls} calls counted`;
  return `${played}, ${Math.round(virtualMs / 1_000)} s in ${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s of CPU`;
}

/** A line for each kind of fault. */
export function formatTable({ kinds }: Totals): readonly string[] {
  const rows = Object.entries(kinds).sort(([one], [other]) => (one < other ? -1 : 1));
  const width = Math.max(0, ...rows.map(([kind]) => kind.length));
  return rows.map(
    ([kind, { seeds, found }]) => `${kind.padEnd(width)} ${String(seeds).padStart(6)} seeds, ${found} found something`,
  );
}
