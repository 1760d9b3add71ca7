import { open } from 'node:fs/promises';
import type { FileKind } from '@lars/proto/checked-file';

const HEADER_START_BYTES = 64;

/**
 * May a file that cannot be used be replaced? One of ours that is torn is lost anyway, and an empty one too. What does not begin like a file of this
 * kind belongs to somebody else, and a newer format to a newer agent.
 */
export async function isReplaceable(file: string, { name, version }: FileKind): Promise<boolean> {
  try {
    const handle = await open(file, 'r');
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER_START_BYTES), 0, HEADER_START_BYTES, 0);
      const [lars, kind, format] = buffer.toString('latin1', 0, bytesRead).split(' ');
      return bytesRead === 0 || (lars === 'lars' && kind === name && Number(format) <= version);
    } finally {
      await handle.close();
    }
  } catch {
    return false;
  }
}
