// pure
import type { FramedConnection } from '@lars/runtime/tcp/framed-connection';

/** What the service needs of a connection. */
export type RoutePeer = Pick<FramedConnection, 'send' | 'queue' | 'flush' | 'pause' | 'resume'>;
