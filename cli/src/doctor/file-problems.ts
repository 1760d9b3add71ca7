// pure
/** What the disk, the files and the clocks say. */
import { formatBytes, formatDuration } from '../output/numbers.ts';
import { type Problem, soon, wrong } from './problem.ts';

export interface FileFacts {
  readonly file: string;
  /** Which conf key names it. */
  readonly confKey: string;
  /** Permission bits; undefined where the file is not there. */
  readonly mode: number | undefined;
  /** Of the disk of its folder; undefined where that cannot be told. */
  readonly freeBytes: number | undefined;
  /** Whether this user may write in its folder. */
  readonly isFolderWritable: boolean;
}

const MB = 1_048_576;
const LITTLE_BYTES = 512 * MB;
const NEARLY_NONE_BYTES = 32 * MB;
const OTHERS_MAY_WRITE = 0o002;

export function fileProblems({ file, confKey, mode, freeBytes, isFolderWritable }: FileFacts): Problem[] {
  const found: Problem[] = [];
  const name = `${file} (${confKey})`;
  if (freeBytes !== undefined && freeBytes < LITTLE_BYTES) {
    const problem = freeBytes < NEARLY_NONE_BYTES ? wrong : soon;
    found.push(problem(`the disk of ${name} has ${formatBytes(freeBytes)} left`, 'make room, or move the file to another disk'));
  }
  if (mode !== undefined && (mode & OTHERS_MAY_WRITE) !== 0)
    found.push(wrong(`every user may write ${name}, and so decide where calls go`, `chmod o-rwx ${file}`));
  if (!isFolderWritable)
    found.push(
      soon(
        `this user may not write in the folder of ${name}`,
        'run lars doctor as the user of the services, or give that user the folder',
      ),
    );
  return found;
}

/** More, and the minutes of the statistics are wrong; agents date their reports. */
const SKEW_SEC = 30;

/** @param clocks what the HTTP servers of services said, against this machine's clock, seconds */
export function clockProblems(clocks: readonly { readonly service: string; readonly aheadSec: number }[]): Problem[] {
  return clocks
    .filter(({ aheadSec }) => Math.abs(aheadSec) > SKEW_SEC)
    .map(({ service, aheadSec }) =>
      soon(
        `the clock of ${service}'s machine is ${formatDuration(Math.abs(aheadSec))} ${aheadSec > 0 ? 'ahead of' : 'behind'} this one`,
        'synchronize the clocks (chrony, systemd-timesyncd): reports are dated by their agents',
      ),
    );
}
