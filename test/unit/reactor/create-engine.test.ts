import { createEngine, type EngineKind, engineKinds } from '@lars/reactor';
import { expect, test } from 'vitest';

test('says which engine it is, and why', async () => {
  const lines: unknown[] = [];
  const log = {
    info: (event: string, fields?: object) => void lines.push({ event, ...fields }),
    warn: () => undefined,
    error: () => undefined,
  };
  const engine = await createEngine({}, { log });
  expect(engineKinds).toContain(engine.kind);
  expect(engine.reason).toMatch(/^(epoll, the best that runs here|node:net, because epoll does not run here: .+)$/);
  expect(lines).toEqual([{ event: 'sockets are served', engine: engine.kind, reason: engine.reason }]);
  await engine.close();
  await engine.close();
});

test('a name that no engine has is refused', async () => {
  await expect(createEngine({ kind: 'kqueue' as EngineKind })).rejects.toMatchObject({
    code: 'BAD_OPTION',
    message: "there is no engine 'kqueue'; there are epoll, io_uring, node",
  });
});
