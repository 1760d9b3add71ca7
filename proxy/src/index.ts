export { agentPorts, type ProxyConfig, proxyConfigTable } from './config.ts';
export { ConnectionLimits } from './connection-limits.ts';
export { type ProxyCounter, type ProxyGauge, proxyCounters, proxyGauges } from './counters.ts';
export { type ListenerRules, readListeners } from './listen/listener-rules.ts';
export { listenerWarnings } from './listen/listener-warnings.ts';
export { type ProxyDeps, type RunningProxy, startProxy } from './proxy.ts';
export { type CoreDeps, type CoreOptions, type HostStatus, ProxyCore, startCore } from './proxy-core.ts';
export type { ListenerStatus, ProxyStatus } from './proxy-status.ts';
