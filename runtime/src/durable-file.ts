/** Files that are there whole or not at all, whatever ends the process or the machine meanwhile. */
import { open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { type CheckedFile, decodeCheckedFile, encodeFileHeader, type FileKind } from '@lars/proto/checked-file';
import { OWN_FILE_MODE } from './own-files.ts';
import { SlicePacer } from './slice-pacer.ts';

/**
 * Writes beside the file, flushes to the disk, and renames: who reads gets the old file or the new one. Its folder must be there.
 * @throws {Error} the system's own (ENOSPC, EACCES, …); the old file is as it was then, and nothing is left beside it
 */
export function writeDurableFile(path: string, ...parts: readonly Uint8Array[]): Promise<void> {
  return writeDurableFileAs(path, OWN_FILE_MODE, ...parts);
}

/** The same for a file that is not ours alone. @param mode of a new file, as far as umask allows */
export async function writeDurableFileAs(path: string, mode: number, ...parts: readonly Uint8Array[]): Promise<void> {
  const draft = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(draft, 'w', mode);
    try {
      for (const part of parts) await file.writeFile(part);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw error;
  }
  // The new name is durable with its folder. Where a file system cannot flush folders, the file itself is.
  const folder = await open(dirname(path), 'r');
  await folder.sync().catch(() => undefined);
  await folder.close();
  await removeAbandonedDrafts(path).catch(() => undefined);
}

/** A process that is killed while it writes leaves its draft. It has the process's number in its name, so nobody would ever write it over. */
async function removeAbandonedDrafts(path: string): Promise<void> {
  const prefix = `${basename(path)}.`;
  for (const name of await readdir(dirname(path))) {
    const pid = name.startsWith(prefix) ? DRAFT.exec(name.slice(prefix.length))?.[1] : undefined;
    if (pid !== undefined && !isRunning(Number(pid))) await rm(join(dirname(path), name), { force: true });
  }
}

const DRAFT = /^(\d{1,10})\.tmp$/;

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/**
 * The same with a header that says whether it is whole; see checked-file.ts. The parts make the body: a long one that comes as one part
 * keeps the thread for its checksum, some 10 ms for 20 MB.
 */
export async function writeCheckedFile(
  path: string,
  kind: FileKind,
  body: Uint8Array | readonly Uint8Array[],
  writtenAtMs: number,
): Promise<void> {
  const parts = body instanceof Uint8Array ? [body] : body;
  const pacer = new SlicePacer();
  let length = 0;
  let checksum = 0;
  for (const part of parts) {
    length += part.length;
    checksum = crc32(part, checksum);
    await pacer.pause();
  }
  await writeDurableFile(path, encodeFileHeader(kind, length, checksum, writtenAtMs), ...parts);
}

/** @returns undefined where there is no such file */
export async function readCheckedFile(path: string, kind: FileKind): Promise<CheckedFile | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? undefined : { isWhole: false, why: `cannot be read: ${message}` };
  }
  return decodeCheckedFile(kind, bytes, crc32);
}
