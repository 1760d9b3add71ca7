import type { Connection, Engine } from '@lars/reactor';

/** Loads a port for a time. @returns how much was done, in the unit of the load */
export type Load = (engine: Engine, port: number, ms: number) => Promise<number>;

const MESSAGE = new Uint8Array(64).fill(7);
const CHUNK = new Uint8Array(65_536).fill(7);

/** Each connection sends 64 bytes and waits for them. */
export const roundTrips =
  (connections: number): Load =>
  async (engine, port, ms) => {
    let done = 0;
    const open: Connection[] = [];
    for (let at = 0; at < connections; at++) {
      let missing = MESSAGE.length;
      const handler = {
        onConnect: (one: Connection) => one.write(MESSAGE),
        onData: (one: Connection, bytes: Uint8Array) => {
          missing -= bytes.length;
          if (missing > 0) return;
          missing = MESSAGE.length;
          done += 1;
          one.write(MESSAGE);
        },
      };
      open.push(engine.connect({ port }, handler));
    }
    await sleep(ms);
    for (const one of open) one.destroy();
    return done;
  };

/** Connects, sends 64 bytes, waits for them and closes; 50 at a time. */
export const shortConnections: Load = async (engine, port, ms) => {
  let done = 0;
  let isOver = false;
  const next = (): void => {
    if (isOver) return;
    engine.connect(
      { port },
      {
        onConnect: one => one.write(MESSAGE),
        onData: one => {
          done += 1;
          one.end();
        },
        onClose: next,
      },
    );
  };
  for (let at = 0; at < 50; at++) next();
  await sleep(ms);
  isOver = true;
  return done;
};

/** Sends as much as is taken. @returns bytes */
export const bulk =
  (connections: number): Load =>
  async (engine, port, ms) => {
    const open: Connection[] = [];
    const fill = (one: Connection): void => {
      while (one.write(CHUNK));
    };
    for (let at = 0; at < connections; at++) {
      open.push(
        engine.connect({ port, writeHighBytes: 4 * CHUNK.length }, { onConnect: fill, onDrain: fill, onData: () => undefined }),
      );
    }
    await sleep(ms);
    const bytes = open.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0);
    for (const one of open) one.destroy();
    return bytes;
  };

function sleep(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
