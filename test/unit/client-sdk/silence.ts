import { LarsClient } from '../../../client-sdk/src/index.ts';
import { FakeAgent } from './fake-agent.ts';

/** A deadline that no test waits for. */
export const UNTIL_ANSWERED = 10_000;

/** An agent that says nothing, and its client. */
export async function silence(timeoutMs = UNTIL_ANSWERED, maxPending = 1_000) {
  const agent = await FakeAgent.start();
  agent.onHost = () => {};
  agent.onRoute = () => {};
  const client = new LarsClient({ ports: agent.ports, timeoutMs, maxPending, cache: false, fallback: false });
  const close = async () => {
    await client.close();
    await agent[Symbol.asyncDispose]();
  };
  return { agent, client, [Symbol.asyncDispose]: close };
}
