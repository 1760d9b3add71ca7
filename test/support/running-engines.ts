/** Which engines of connections run on this machine. */
import { createEngine, type EngineKind } from '@lars/reactor';

/** What a machine that builds and judges the project must have, or it would go untested. */
const WANTED: readonly EngineKind[] = process.platform === 'linux' && process.env['CI'] !== undefined ? ['epoll'] : [];

async function runningKinds(): Promise<readonly EngineKind[]> {
  const kinds: EngineKind[] = ['node'];
  for (const kind of ['epoll', 'io_uring'] as const) {
    try {
      const engine = await createEngine({ kind });
      await engine.close();
      kinds.push(kind);
    } catch (error) {
      if (WANTED.includes(kind)) throw error;
    }
  }
  return kinds;
}

export const kinds = await runningKinds();
export const nativeKinds = kinds.filter(kind => kind !== 'node');
