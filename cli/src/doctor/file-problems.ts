// pure
/** What the disk and the files say. */
import { formatBytes } from '../output/numbers.ts';
import { type Problem, soon, wrong } from './problem.ts';

export interface FileFacts {
  readonly file: string;
  /** Which conf key names it. */
  readonly confKey: string;
  /** Permission bits; undefined where the file is not there. */
  readonly mode: number | undefined;
  /** Of its folder; undefined where that is not there. */
  readonly folderMode: number | undefined;
  /** Of the disk of its folder; undefined where that cannot be told. */
  readonly freeBytes: number | undefined;
  /** Whether this user may write in its folder. */
  readonly isFolderWritable: boolean;
}

const MB = 1_048_576;
const LITTLE_BYTES = 512 * MB;
const NEARLY_NONE_BYTES = 32 * MB;
const OTHERS_MAY_WRITE = 0o002;
const STICKY = 0o1000;

export function fileProblems({ file, confKey, mode, folderMode, freeBytes, isFolderWritable }: FileFacts): Problem[] {
  const found: Problem[] = [];
  const name = `${file} (${confKey})`;
  if (freeBytes !== undefined && freeBytes < LITTLE_BYTES) {
    const problem = freeBytes < NEARLY_NONE_BYTES ? wrong : soon;
    found.push(problem(`the disk of ${name} has ${formatBytes(freeBytes)} left`, 'make room, or move the file to another disk'));
  }
  if (mode !== undefined && (mode & OTHERS_MAY_WRITE) !== 0)
    found.push(wrong(`every user may write ${name}, and so decide where calls go`, `chmod o-rwx ${file}`));
  // In a folder such as /tmp each user can replace his own files alone.
  if (folderMode !== undefined && (folderMode & OTHERS_MAY_WRITE) !== 0 && (folderMode & STICKY) === 0)
    found.push(wrong(`every user may replace ${name}: the folder is open to all`, `chmod o-w the folder of ${file}`));
  if (!isFolderWritable)
    found.push(
      soon(
        `this user may not write in the folder of ${name}`,
        'run lars doctor as the user of the services, or give that user the folder',
      ),
    );
  return found;
}
