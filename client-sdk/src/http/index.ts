/** Agents for node:http and node:https, and for what stands on them, by which hosts with names such as '1-2.lars' are picked by LARS. */
export { LarsHttpAgent, type LarsHttpAgentOptions } from './lars-http-agent.ts';
export { LarsHttpsAgent, type LarsHttpsAgentOptions } from './lars-https-agent.ts';
