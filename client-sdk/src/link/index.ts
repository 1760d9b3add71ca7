/** What the rest of the client uses of the link to the agent. */
export { type Lookup, systemLookup } from './agent-socket.ts';
export type { HostReport } from './agent-watch.ts';
export { COPY_CAME, ShardChannel } from './shard-channel.ts';
