import { LOG_FORMATS, LOG_LEVELS } from '../log-options.ts';
import { bytes, duration, integer } from './number-fields.ts';
import { section } from './table.ts';
import { choice, ipv4 } from './text-fields.ts';

/** [http]: every process has it, with a port of its own. */
export function httpSection(port: number) {
  return section('Health and metrics: GET /healthz and GET /metrics.', {
    ip: ipv4({ default: '127.0.0.1', meaning: 'Address to listen on.' }),
    port: integer({ default: port, min: 0, max: 65_535, meaning: 'TCP port; 0 picks a free one.' }),
  });
}

/** [log]: the same in every process. */
export function logSection() {
  return section('What is logged, to standard error.', {
    level: choice(LOG_LEVELS, { default: 'info', meaning: 'The least important level that is written.' }),
    format: choice(LOG_FORMATS, { default: 'auto', meaning: 'text for people, json for machines; auto is text on a terminal.' }),
  });
}

/** What every [tcp] section has: where agents connect, and what one connection may cost. */
export function tcpFields(port: number, maxWriteBufferBytes: number) {
  return {
    ip: ipv4({ default: '127.0.0.1', meaning: 'Address to listen on; 0.0.0.0 when agents run on other machines.' }),
    port: integer({ default: port, min: 0, max: 65_535, meaning: 'TCP port; 0 picks a free one.' }),
    max_connections: integer({ default: 10_000, min: 1, max: 1_000_000, meaning: 'Connections beyond these are refused.' }),
    partial_frame_timeout: duration({
      default: 10_000,
      min: 0,
      max: 3_600_000,
      exclude: 'min',
      meaning: 'A message that has begun must be whole within this time, or the connection is closed.',
    }),
    max_write_buffer: bytes({
      default: maxWriteBufferBytes,
      min: 65_536,
      max: 1_073_741_824,
      meaning: 'A connection whose peer leaves more unread is closed.',
    }),
  };
}
