import { LOG_FORMATS, LOG_LEVELS } from '../log-options.ts';
import { TCP_ENGINES } from '../transport/tcp-transport.ts';
import { bytes, duration, integer } from './number-fields.ts';
import { section } from './table.ts';
import { choice, flag, ipv4, path } from './text-fields.ts';

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

/** What [security] has in every process: what protects the TCP links. */
const SECURITY_FIELDS = {
  tls_folder: path({
    default: '',
    meaning:
      'Folder with ca.pem, cert.pem and key.pem of this machine: the links are TLS then, and both ends must show a certificate that ca.pem has signed. ' +
      'SIGHUP reads the files again. Nothing: no TLS.',
  }),
  token_file: path({
    default: '',
    meaning:
      'File with a token of 32 characters or more, which an agent must prove to know (it never travels). Further lines are tokens that a server takes too. ' +
      'SIGHUP reads it again. Nothing: no token.',
  }),
};
const SECURITY_MEANING =
  'What protects the TCP links between agents, dnsserver and reporter: the same on both ends (docs/operations.md).';

/** [security] of dnsserver and reporter. */
export function securitySection() {
  return section(SECURITY_MEANING, SECURITY_FIELDS);
}

/** [security] of the agent. */
export function clientSecuritySection() {
  return section(SECURITY_MEANING, {
    ...SECURITY_FIELDS,
    check_names: flag({
      default: false,
      meaning:
        'Whether the certificate of a server must be made out for the address or name under which it is connected to. Otherwise each certificate of the CA will do.',
    }),
  });
}

/** What every [tcp] section has: where agents connect, and what one connection may cost. */
export function tcpFields(port: number, maxWriteBufferBytes: number) {
  return {
    ip: ipv4({ default: '127.0.0.1', meaning: 'Address to listen on; 0.0.0.0 when agents run on other machines.' }),
    port: integer({ default: port, min: 0, max: 65_535, meaning: 'TCP port; 0 picks a free one.' }),
    engine: choice(TCP_ENGINES, {
      default: 'auto',
      meaning:
        'How connections are served. epoll is the fastest and runs on Linux; node runs everywhere, and alone serves links that [security] protects; auto takes ' +
        'epoll where it can.',
    }),
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
