/** From which commit the code is, where it runs from a clone. */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const CLONE = fileURLToPath(new URL('../..', import.meta.url));
const SHORT = 7;

/** The first digits of the commit that is checked out in the clone; undefined where there is none, as in an installed package. */
export function readCommit(clone = CLONE): string | undefined {
  try {
    const folder = gitFolder(path.join(clone, '.git'));
    const head = readFileSync(path.join(folder, 'HEAD'), 'utf8').trim();
    const ref = /^ref: (\S+)$/.exec(head)?.[1];
    const hash = ref === undefined ? head : hashOf(folder, ref);
    return /^[0-9a-f]{40,64}$/.test(hash) ? hash.slice(0, SHORT) : undefined;
  } catch {
    return undefined;
  }
}

/** In a further worktree .git is a file that names the folder. */
function gitFolder(git: string): string {
  if (statSync(git).isDirectory()) return git;
  return path.resolve(
    path.dirname(git),
    readFileSync(git, 'utf8')
      .replace(/^gitdir: /, '')
      .trim(),
  );
}

/** Branches are shared by all worktrees, and stand in the folder that `commondir` names. */
function hashOf(folder: string, ref: string): string {
  const shared = path.resolve(folder, read(path.join(folder, 'commondir'))?.trim() ?? '.');
  const own = read(path.join(shared, ref));
  if (own !== undefined) return own.trim();
  const packed = read(path.join(shared, 'packed-refs')) ?? '';
  return (
    packed
      .split('\n')
      .find(line => line.endsWith(` ${ref}`))
      ?.split(' ')[0] ?? ''
  );
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
