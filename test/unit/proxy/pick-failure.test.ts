import { LarsClient, LarsError } from '@lars/client-sdk';
import { expect, test } from 'vitest';
import { pickFailure } from '../../../proxy/src/pick/pick-failure.ts';

test.each([
  ['LARS_NO_EXIST', 'refusedNoHosts'],
  ['LARS_OVERLOAD', 'refusedUnavailable'],
  ['LARS_AGENT_SILENT', 'refusedNoAgent'],
  ['LARS_AGENT_UNREACHABLE', 'refusedNoAgent'],
  ['LARS_SYSTEM_ERROR', 'refusedNoAgent'],
  ['LARS_TOO_MANY_PENDING', 'refusedNoAgent'],
  ['LARS_CLOSED', 'refusedNoAgent'],
] as const)('%s is %s, in words for operators', (code, why) => {
  const failure = pickFailure(new LarsError(code, 'make a new LarsClient, raise timeoutMs'));
  expect(failure).toEqual({ why, problem: expect.not.stringMatching(/LarsClient|timeoutMs/) });
});

test('what an agent that is away makes the SDK say is not what the log says', async () => {
  const client = new LarsClient({ ports: 1, timeoutMs: 50 });
  const error = await client.getHost(1, 1).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  await client.close();
  expect(pickFailure(error).problem).toBe('the agent does not answer, and no route of the module is known here');
});

test('what nobody has thought of is told as it is', () => {
  expect(pickFailure(new Error('out of paper')).problem).toBe('out of paper');
});
