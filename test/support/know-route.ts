import { isLarsError, type LarsClient } from '@lars/client-sdk';

/**
 * Resolves when the client can pick without its agent. It asks for the copy by which it does so beside the first call, not in `register`: where the agent
 * is silent from then on, or has no processor for a while, that call has no host. What is promised of an agent's absence is promised after it.
 * @throws {LarsError} when the module has no route within this time
 */
export async function knowRoute(client: LarsClient, modid: number, cmdid: number, timeoutMs: number): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  await client.register(modid, cmdid, { timeoutMs });
  // The copy was asked for before the first of them, and is there before the second.
  for (let answered = 0; answered < 2; ) {
    try {
      await client.getHost(modid, cmdid);
      answered += 1;
    } catch (error) {
      if (!isLarsError(error, 'LARS_AGENT_SILENT') || performance.now() > deadlineMs) throw error;
    }
  }
}
