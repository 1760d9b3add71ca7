import { httpSection, logSection, securitySection, tcpFields } from '@lars/runtime/config/common-sections';
import { bytes, type ConfigOf, defineConfig, flag, integer, milliseconds, path, section } from '@lars/runtime/config/config';

/** A module's workers are kept as one bit for each worker in one number (serve/workers/worker-subscriptions.ts). */
export const WORKERS_MAX = 31;

/** conf/dnsserver.ini. */
export const dnsserverConfigTable = defineConfig({
  file: 'dnsserver.ini',
  title: 'The LARS dnsserver: holds the routes and pushes every change to the agents.',
  sections: {
    tcp: section('Where the agents connect.', {
      ...tcpFields(7778, 16_777_216),
      workers: integer({
        default: 0,
        min: 0,
        max: WORKERS_MAX,
        meaning:
          'Threads among which the connections are spread; 0: the main thread serves them beside its other work. One thread ' +
          'answers several hundred thousand requests a second; each of more takes some MB.',
      }),
      max_subscriptions: integer({
        default: 200_000,
        min: 1,
        max: 10_000_000,
        meaning: 'So many modules can one connection be told the changes of; requests beyond are answered only.',
      }),
      max_connection_memory: bytes({
        default: 67_108_864,
        min: 65_536,
        max: 4_294_967_296,
        meaning: 'A connection whose subscriptions, parked requests and backlog take more is closed.',
      }),
      max_memory: bytes({
        default: 1_073_741_824,
        min: 1_048_576,
        max: 68_719_476_736,
        meaning:
          'When the subscriptions, their routes as they are sent, and the backlogs of all connections take more, those that take the most are ' +
          'closed. Each worker has its part of it. The table of routes comes on top.',
      }),
    }),
    security: securitySection(),
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
          'Serve a table that suddenly reads empty as it is. Otherwise its former routes are served until lars route confirm ' +
          'says that it is meant, or lars route restore has written them back.',
      }),
      guard_share: integer({
        default: 50,
        min: 1,
        max: 100,
        meaning:
          'When more than this part of all modules, or of the hosts of one, vanishes at once and not by a lars command, they are served ' +
          'on until that is confirmed or most of them are back; percent. 100: never.',
      }),
      guard_min: integer({
        default: 4,
        min: 1,
        max: 1_000_000,
        meaning: 'guard_share counts where there were at least this many modules, or hosts in the module.',
      }),
      history_changes: integer({
        default: 10_000,
        min: 1,
        max: 1_000_000,
        meaning: 'So many changes of routes are remembered, for lars route history, diff and undo; the oldest go first.',
      }),
      history_rows: integer({
        default: 500_000,
        min: 1,
        max: 100_000_000,
        meaning:
          'The changes that are remembered have at most so many rows in all, each of some 200 bytes; the last change is always remembered.',
      }),
    }),
    http: httpSection(7780),
    log: logSection(),
  },
});

export type DnsserverConfig = ConfigOf<typeof dnsserverConfigTable>;
