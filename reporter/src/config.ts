import { httpSection, logSection, securitySection, tcpFields } from '@lars/runtime/config/common-sections';
import { type ConfigOf, defineConfig, integer, milliseconds, path, section } from '@lars/runtime/config/config';

/** conf/reporter.ini. */
export const reporterConfigTable = defineConfig({
  file: 'reporter.ini',
  title: 'The LARS reporter: takes the call statistics of all agents and keeps them.',
  sections: {
    tcp: section('Where the agents connect.', tcpFields(7779, 1_048_576)),
    security: securitySection(),
    database: section('Where the statistics are kept.', {
      file: path({
        default: 'data/lars.db',
        meaning: 'SQLite file, which may be the one of dnsserver; it is created, with its folder, when there is none.',
      }),
    }),
    queue: section('What waits to be written. The database is written in batches, one transaction each.', {
      max_rows: integer({
        default: 200_000,
        min: 1,
        max: 10_000_000,
        meaning: 'When so many rows or reports wait, the agents are not read from until half of them are written.',
      }),
      batch_max_rows: integer({ default: 10_000, min: 1, max: 1_000_000, meaning: 'So many rows are written without delay.' }),
      flush_interval: milliseconds({
        default: 200,
        min: 1,
        max: 60_000,
        meaning: 'Fewer rows wait so long for others to be written with. Agents are told that a report is stored after that.',
      }),
    }),
    history: section('Calls per minute and host, from which rates are drawn.', {
      retention: integer({ default: 72, min: 1, max: 87_600, meaning: 'So many hours is it kept.' }),
      max_counters: integer({
        default: 200_000,
        min: 1,
        max: 10_000_000,
        meaning:
          'Agents of the first generation report running counts. Of so many hosts, per agent and module, is the last ' +
          'count remembered, to know what came since.',
      }),
    }),
    http: httpSection(7781),
    log: logSection(),
  },
});

export type ReporterConfig = ConfigOf<typeof reporterConfigTable>;
