import { httpSection, logSection } from '@lars/runtime/config/common-sections';
import {
  bytes,
  type ConfigOf,
  choice,
  defineConfig,
  flag,
  host,
  integer,
  ipv4,
  milliseconds,
  ratio,
  seconds,
  section,
  text,
} from '@lars/runtime/config/config';
import { ADAPTIVE_DEFAULTS } from './balancer/adaptive.ts';
import { ALGORITHMS } from './balancer/algorithm.ts';
import { CLASSIC_DEFAULTS } from './balancer/classic.ts';

const DAY_SECONDS = 86_400;
const MILLION = 1_000_000;
const classic = CLASSIC_DEFAULTS;
const adaptive = ADAPTIVE_DEFAULTS;

const timeout = (defaultMs: number, meaning: string) =>
  seconds({ default: defaultMs / 1_000, min: 0, max: DAY_SECONDS, exclude: 'min', meaning });
const count = (value: number, min: number, meaning: string) => integer({ default: value, min, max: MILLION, meaning });

/** conf/agent.ini. The sections reporter, dnsserver and loadbalance are those of deployed agents, whose files load unchanged. */
export const agentConfigTable = defineConfig({
  file: 'agent.ini',
  title: 'The LARS agent: one on every machine that calls services.',
  sections: {
    udp: section('Where business code asks. Three servers listen, on port, port + 1 and port + 2.', {
      ip: ipv4({ default: '127.0.0.1', meaning: 'Address to listen on; business code runs on the same machine.' }),
      port: integer({ default: 8888, min: 0, max: 65_533, meaning: 'The first of the three ports; 0 picks three free ones.' }),
      receive_buffer: bytes({
        default: 4_194_304,
        min: 0,
        max: 1_073_741_824,
        meaning: 'What the kernel is asked to hold while a server thread is busy; 0 leaves it at its default.',
      }),
    }),
    dnsserver: section('Where the routes come from.', {
      ip: host({ default: '127.0.0.1', meaning: 'Address or name of the dnsserver.' }),
      port: integer({ default: 7778, min: 1, max: 65_535, meaning: 'Its TCP port.' }),
    }),
    reporter: section('Where the call statistics go.', {
      ip: host({ default: '127.0.0.1', meaning: 'Address or name of the reporter.' }),
      port: integer({ default: 7779, min: 1, max: 65_535, meaning: 'Its TCP port.' }),
    }),
    loadbalance: section('How hosts are chosen; docs/load-balancing.md explains the rules.', {
      algorithm: choice(ALGORITHMS, {
        default: 'classic',
        meaning: 'classic: the rules of deployed agents; adaptive: by latency, calls in flight and error statistics.',
      }),
      probe_num: count(
        classic.probeNum,
        1,
        'After so many picks while some host is overloaded, one pick goes to an overloaded host.',
      ),
      init_succ_cnt: count(classic.initSuccCnt, 0, 'Virtual successes with which an idle window starts.'),
      init_err_cnt: count(classic.initErrCnt, 0, 'Virtual errors with which an overload starts.'),
      err_rate: ratio({ default: classic.errRate, meaning: 'Idle to overloaded when the virtual error rate is greater.' }),
      succ_rate: ratio({ default: classic.succRate, meaning: 'Overloaded to idle when the virtual success rate is greater.' }),
      contin_err_limit: count(classic.continErrLimit, 1, 'So many failures in a row make an idle host overloaded.'),
      contin_succ_limit: count(classic.continSuccLimit, 1, 'So many successes in a row make an overloaded host idle.'),
      window_err_rate: ratio({
        default: classic.windowErrRate,
        exclude: 'min',
        meaning: 'A window with at least this share of real failures is a bad one.',
      }),
      window_err_limit: count(classic.windowErrLimit, 1, 'So many bad windows in a row make an idle host overloaded.'),
      idle_timeout: timeout(classic.idleTimeoutMs, "Length of an idle host's window; at its end the counters start again."),
      overload_timeout: timeout(classic.overloadTimeoutMs, 'An overloaded host is made idle again after this time.'),
      update_timeout: timeout(15_000, 'A route older than this is asked for again.'),
      report_timeout: timeout(15_000, "A module's call results go to the reporter on this period."),
      on_all_overloaded: choice(['probe', 'all', 'refuse'], {
        default: adaptive.onAllOverloaded,
        meaning: 'adaptive: what is answered when no host may be called (rule AD-17).',
      }),
      probe_share: ratio({
        default: adaptive.probeShare,
        exclude: 'min',
        meaning: 'adaptive: part of its fair share of the picks that an ejected host gets at most, as probes (rule AD-11).',
      }),
      probe_backoff_min: timeout(adaptive.backoffMinMs, "adaptive: pause before an ejected host's first probe (rule AD-10)."),
      probe_backoff_max: timeout(adaptive.backoffMaxMs, 'adaptive: what the pauses double up to.'),
      tcost_amplify: flag({ default: classic.tcostAmplify, meaning: 'A failure that took long counts as several (rule LB-6).' }),
    }),
    agent: section('Limits of the agent itself.', {
      route_wait: milliseconds({
        default: 100,
        min: 0,
        max: 60_000,
        meaning: 'So long does the first request for a module wait for its route, before the answer is NOEXIST.',
      }),
      max_waiting: integer({
        default: 10_000,
        min: 0,
        max: MILLION,
        meaning: 'So many requests of one server may wait so at a time.',
      }),
      absent_ttl: seconds({ default: 1, min: 0, max: 3_600, meaning: 'So long is it remembered that a module does not exist.' }),
      max_absent: integer({ default: 10_000, min: 1, max: MILLION, meaning: 'So many such modules does one server remember.' }),
      reconnect_min: milliseconds({
        default: 100,
        min: 1,
        max: 60_000,
        meaning: 'Upper bound of the first random pause before connecting again.',
      }),
      reconnect_max: milliseconds({ default: 5_000, min: 1, max: 600_000, meaning: 'Upper bound that the pauses grow to.' }),
      zone: text({
        default: adaptive.zone,
        maxLength: 64,
        meaning: 'adaptive: where this machine stands, as hosts name their zones; its own zone is preferred (rule AD-19).',
      }),
      caller_ip: ipv4({
        default: '',
        meaning: "This machine's IPv4 address in the call statistics; empty takes the first one that is not loopback.",
      }),
    }),
    http: httpSection(7782),
    log: logSection(),
  },
});

export type AgentConfig = ConfigOf<typeof agentConfigTable>;
