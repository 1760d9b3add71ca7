import { httpSection, logSection } from '@lars/runtime/config/common-sections';
import {
  bytes,
  type ConfigOf,
  defineConfig,
  flag,
  integer,
  ipv4,
  milliseconds,
  path,
  seconds,
  section,
} from '@lars/runtime/config/config';

/** conf/dnsserver.ini. */
export const dnsserverConfigTable = defineConfig({
  file: 'dnsserver.ini',
  title: 'The LARS dnsserver: holds the routes and pushes every change to the agents.',
  sections: {
    tcp: section('Where the agents connect.', {
      ip: ipv4({ default: '127.0.0.1', meaning: 'Address to listen on; 0.0.0.0 when agents run on other machines.' }),
      port: integer({ default: 7778, min: 0, max: 65_535, meaning: 'TCP port; 0 picks a free one.' }),
      max_connections: integer({ default: 10_000, min: 1, max: 1_000_000, meaning: 'Connections beyond these are refused.' }),
      max_subscriptions: integer({
        default: 200_000,
        min: 1,
        max: 10_000_000,
        meaning: 'So many modules can one connection be told the changes of; requests beyond are answered only.',
      }),
      partial_frame_timeout: seconds({
        default: 10,
        min: 0,
        max: 3_600,
        exclude: 'min',
        meaning: 'A message that has begun must be whole within this time, or the connection is closed.',
      }),
      max_write_buffer: bytes({
        default: 16_777_216,
        min: 65_536,
        max: 1_073_741_824,
        meaning: 'A connection whose peer leaves more unread is closed.',
      }),
    }),
    database: section('Where the routes are kept.', {
      file: path({ default: 'data/lars.db', meaning: 'SQLite file; it is created, with its folder, when there is none.' }),
    }),
    routes: section('How the routes are followed.', {
      poll_interval: milliseconds({
        default: 200,
        min: 10,
        max: 60_000,
        meaning: 'How often the database is asked whether something changed.',
      }),
      believe_empty: flag({
        default: false,
        meaning:
          'Serve a table that suddenly reads empty as it is. Otherwise the routes held before are served until ' +
          'the emptiness is confirmed by lars route clear.',
      }),
    }),
    http: httpSection(7780),
    log: logSection(),
  },
});

export type DnsserverConfig = ConfigOf<typeof dnsserverConfigTable>;
