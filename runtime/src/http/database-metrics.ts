import { stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { Gauge, type Registry } from 'prom-client';

/** How large a service's database file is, its write-ahead log included, and what room its file system has left for those who are not root. */
export function exposeDatabaseFile(registry: Registry, file: string): void {
  const fileSystem = () => statfs(path.dirname(path.resolve(file)));
  exposeBytes(registry, 'lars_database_size_bytes', 'Size of the database file and its write-ahead log', () => sizeOf(file));
  exposeBytes(registry, 'lars_database_filesystem_avail_bytes', 'Room left in the file system of the database', async () => {
    const { bavail, bsize } = await fileSystem();
    return bavail * bsize;
  });
  exposeBytes(registry, 'lars_database_filesystem_size_bytes', 'Size of the file system of the database', async () => {
    const { blocks, bsize } = await fileSystem();
    return blocks * bsize;
  });
}

/** What cannot be learnt, as of a file that is not there, has no sample. */
function exposeBytes(registry: Registry, name: string, help: string, read: () => Promise<number>): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    async collect() {
      const bytes = await read().catch(() => undefined);
      if (bytes === undefined) this.remove();
      else this.set(bytes);
    },
  });
}

async function sizeOf(file: string): Promise<number> {
  const log = await stat(`${file}-wal`).catch(() => undefined);
  return (await stat(file)).size + (log?.size ?? 0);
}
