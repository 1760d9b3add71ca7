export { type AgentDeps, type RunningAgent, startAgent } from './agent.ts';
export { type AgentConfig, agentConfigTable } from './config.ts';
export type { ThreadName } from './threads/messages.ts';
