import { hostname, userInfo } from 'node:os';
import type { ChangeOrigin } from '../store/history-store.ts';

/** Who runs this process, and where. */
export function thisUser(): Pick<ChangeOrigin, 'author' | 'machine'> {
  return { author: userName(), machine: hostname() };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // The user has a number and no entry in the system's list, as in many containers.
    return `uid ${process.getuid?.() ?? '?'}`;
  }
}
