// pure
import { defineCounters } from '../counters.ts';

export const tcpServerCounters = defineCounters({
  accepted: 'Connections accepted',
  refused: 'Connections refused because max_connections were open',
  frames: 'Frames received',
  closedByRemote: 'Connections that the remote or the network closed',
  closedBadLength: 'Connections closed because a frame announced an impossible length',
  closedBadMessageId: 'Connections closed because of a message id that is not spoken here',
  closedBadBody: 'Connections closed because a message did not parse',
  closedPartialFrame: 'Connections closed because a frame was begun and not finished in time',
  closedWriteBufferFull: 'Connections closed because the remote did not read',
  closedTooMuchMemory: 'Connections closed because they asked for more than one may (see the log)',
  closedSpeaksTls: 'Connections closed because the remote speaks TLS, which is not on here',
  refusedTls: 'Connections closed because the TLS handshake failed: no or a wrong certificate, no TLS at all, or too slow',
  refusedToken: 'Connections closed because the remote did not prove that it knows the token',
  closedQuiet: 'Connections closed because they had asked nothing for long, and others needed the room',
  closedHandlerError: 'Connections closed because of an error of our own (see the log)',
});
/** The names that metrics had before they were renamed; they are shown beside the new names for one release. */
export const FORMER_TCP_METRIC_NAMES = { closedByRemote: 'closedByPeer' } as const;
export type TcpServerCounter = (typeof tcpServerCounters.names)[number];
