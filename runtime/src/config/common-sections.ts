import { LOG_FORMATS, LOG_LEVELS } from '../log-options.ts';
import { integer } from './number-fields.ts';
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
