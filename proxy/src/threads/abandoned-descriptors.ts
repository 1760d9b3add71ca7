import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const FOLDER = '/proc/self/fd';
const EPOLL = 'anon_inode:[eventpoll]';

/**
 * What a thread that has died had open in its epoll set, which the kernel keeps with all its descriptors: Node closes none of them.
 * @param listening descriptors that are in no other set
 * @returns the set, and what is in it beside those; nothing where the thread had no such set
 */
export function abandonedDescriptors(listening: ReadonlySet<number>): readonly number[] {
  for (const name of namesIn(FOLDER)) {
    if (targetOf(`${FOLDER}/${name}`) !== EPOLL) continue;
    const watched = watchedBy(name);
    if (!watched.some(fd => listening.has(fd))) continue;
    // An engine's set has that of its thread's event loop in it, which Node closes itself.
    const isOpen = (fd: number) => !listening.has(fd) && targetOf(`${FOLDER}/${fd}`) !== EPOLL;
    return [Number(name), ...watched.filter(isOpen)];
  }
  return [];
}

function watchedBy(set: string): readonly number[] {
  try {
    const text = readFileSync(`/proc/self/fdinfo/${set}`, 'utf8');
    return Array.from(text.matchAll(/^tfd: *(\d+)/gm), ([, fd]) => Number(fd));
  } catch {
    return [];
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function targetOf(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    // It was closed meanwhile.
    return undefined;
  }
}
