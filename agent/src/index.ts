export { type AgentDeps, type RunningAgent, startAgent } from './agent.ts';
export { checkAgentConfig } from './check-config.ts';
export { type AgentConfig, agentConfigTable } from './config.ts';
export { serverAddresses } from './server-addresses.ts';
export type { ModuleExplanation } from './shard/explain-module.ts';
export type { ModuleList, ModuleSummary } from './shard/list-modules.ts';
export type { ThreadName } from './threads/messages.ts';
