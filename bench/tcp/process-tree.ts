import { readdirSync, readFileSync } from 'node:fs';

/** A process and all that descend from it, as they live now; the process alone where the system does not tell. */
export function processTree(pid: number): readonly number[] {
  return [pid, ...childrenOf(pid).flatMap(processTree)];
}

function childrenOf(pid: number): readonly number[] {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const lists = threads.map(thread => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8'));
    return lists.flatMap(list => list.split(' ').filter(Boolean).map(Number));
  } catch {
    return [];
  }
}
