import { cpus, release, totalmem, type } from 'node:os';

export { median } from '../cli/src/bench/median.ts';

/** Where the figures come from, in one line. */
export function describeMachine(): string {
  const processors = cpus();
  const gib = Math.round(totalmem() / 2 ** 30);
  return `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown processor'}, ${gib} GiB, ${type()} ${release()}, Node.js ${process.versions.node}`;
}
