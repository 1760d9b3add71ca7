import { readdirSync, readFileSync } from 'node:fs';

/** User and system time of a process so far, on two clocks. */
export interface CpuReading {
  /** Of each thread that lives, nanoseconds. */
  readonly threads: ReadonlyMap<string, bigint>;
  /** Hundredths of a second, of all threads, those that have ended too. */
  readonly ticks: number;
}

/** Linux counts so, on every machine that Node runs on. */
const TICKS_PER_SECOND = 100;

/** undefined where the system does not tell: it is no Linux, or there is no such process. */
export function readCpuTime(pid: number, proc = '/proc'): CpuReading | undefined {
  const folder = `${proc}/${pid}`;
  try {
    const threads = new Map<string, bigint>();
    for (const thread of readdirSync(`${folder}/task`)) {
      const runNs = readThread(`${folder}/task/${thread}/schedstat`);
      if (runNs !== undefined) threads.set(thread, runNs);
    }
    return { threads, ticks: parseTicks(readFileSync(`${folder}/stat`, 'utf8')) };
  } catch {
    return undefined;
  }
}

/** Seconds between two readings. The fine clock loses threads that have ended; where one has, the coarse clock counts. */
export function cpuSecondsBetween(before: CpuReading | undefined, after: CpuReading | undefined): number | undefined {
  if (before === undefined || after === undefined) return undefined;
  const complete = after.threads.size > 0 && [...before.threads.keys()].every(thread => after.threads.has(thread));
  if (!complete) return (after.ticks - before.ticks) / TICKS_PER_SECOND;
  let runNs = 0n;
  for (const [thread, ns] of after.threads) runNs += ns - (before.threads.get(thread) ?? 0n);
  return Number(runNs) / 1e9;
}

/** The CPU time of the threads that live now; NaN where the system does not say. */
export function cpuSecondsSinceStart(pid: number): number {
  const now = readCpuTime(pid);
  return cpuSecondsBetween(now && { threads: new Map(), ticks: 0 }, now) ?? Number.NaN;
}

/** Resident memory, MB (10⁶ bytes); undefined where the system does not tell. */
export function readResidentMb(pid: number, proc = '/proc'): number | undefined {
  try {
    const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`${proc}/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? undefined : (Number(kib) * 1_024) / 1e6;
  } catch {
    return undefined;
  }
}

/** undefined: the thread has ended since it was listed, or the kernel does not count so. */
function readThread(file: string): bigint | undefined {
  try {
    return BigInt(readFileSync(file, 'utf8').split(' ', 1)[0] as string);
  } catch {
    return undefined;
  }
}

function parseTicks(stat: string): number {
  // The second field is the name in brackets and may contain blanks; the rest is separated by them.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
