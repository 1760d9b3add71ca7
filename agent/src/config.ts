import { clientSecuritySection, httpSection, logSection } from '@lars/runtime/config/common-sections';
import {
  addressList,
  bytes,
  type ConfigOf,
  choice,
  defineConfig,
  duration,
  host,
  integer,
  ipv4,
  milliseconds,
  networks,
  path,
  section,
  text,
} from '@lars/runtime/config/config';
import { ADAPTIVE_DEFAULTS } from './balancer/adaptive/adaptive.ts';
import { balancingFields, modulesSection, timeout } from './balancing-config.ts';
import { TRANSPORT_CHOICES } from './udp/transport.ts';

const MILLION = 1_000_000;
const DNSSERVER_PORT = 7778;
const REPORTER_PORT = 7779;

/** A file that may be left out with an empty value. */
function pathOrNothing(options: { readonly default: string; readonly meaning: string }) {
  const field = path(options);
  return { ...field, expected: 'a path, or nothing', parse: (value: string) => (value === '' ? '' : field.parse(value)) };
}

function serversField(name: string, defaultPort: number) {
  const meaning = `Several ${name}s in the order of preference: the first one that answers is used, and the agent goes back to an earlier one when that is there again. Replaces ip and port; an entry without a port has ${defaultPort}.`;
  return addressList({ default: '', defaultPort, meaning });
}

/** conf/agent.ini. The sections reporter, dnsserver and loadbalance are those of deployed agents, whose files load unchanged. */
export const agentConfigTable = defineConfig({
  file: 'agent.ini',
  title: 'The LARS agent: one on every machine that calls services.',
  sections: {
    udp: section('Where business code asks. Three servers listen, on port, port + 1 and port + 2.', {
      ip: ipv4({ default: '127.0.0.1', meaning: 'Address to listen on; business code runs on the same machine.' }),
      port: integer({ default: 8888, min: 0, max: 65_533, meaning: 'The first of the three ports; 0 picks three free ones.' }),
      allow: networks({
        default: '',
        meaning:
          'Networks whose datagrams are taken, beside this machine: 10.0.0.0/8, 192.168.1.7. Those of others are dropped and counted. Nothing: whoever reaches the ports is answered.',
      }),
      transport: choice(TRANSPORT_CHOICES, {
        default: 'auto',
        meaning:
          'How datagrams are taken: mmsg (many with one system call; Linux, with the optional package koffi) or dgram (everywhere); auto takes mmsg where it can.',
      }),
      receive_buffer: bytes({
        default: 4_194_304,
        min: 0,
        max: 1_073_741_824,
        meaning: 'Size of the kernel buffer in which datagrams wait while a server thread is busy; 0 leaves it at its default.',
      }),
    }),
    dnsserver: section('Where the routes come from.', {
      ip: host({ default: '127.0.0.1', meaning: 'Address or name of the dnsserver.' }),
      port: integer({ default: DNSSERVER_PORT, min: 1, max: 65_535, meaning: 'Its TCP port.' }),
      servers: serversField('dnsserver', DNSSERVER_PORT),
    }),
    reporter: section('Where the call statistics go.', {
      ip: host({ default: '127.0.0.1', meaning: 'Address or name of the reporter.' }),
      port: integer({ default: REPORTER_PORT, min: 1, max: 65_535, meaning: 'Its TCP port.' }),
      servers: serversField('reporter', REPORTER_PORT),
    }),
    security: clientSecuritySection(),
    loadbalance: section('How hosts are chosen; docs/load-balancing.md explains the rules.', {
      ...balancingFields,
      update_timeout: timeout(15_000, 'A route that was not confirmed for this time is stale, and is asked for again.'),
      report_timeout: timeout(15_000, "A module's call results go to the reporter on this period."),
    }),
    module: modulesSection,
    agent: section('Limits of the agent itself.', {
      route_wait: milliseconds({
        default: 100,
        min: 0,
        max: 60_000,
        meaning: 'How long the first requests for a module wait for dnsserver to tell its route, before the answer is NOEXIST.',
      }),
      max_waiting: integer({
        default: 10_000,
        min: 0,
        max: MILLION,
        meaning: 'How many requests of one server may wait for routes at a time.',
      }),
      absent_ttl: duration({
        default: 1_000,
        min: 0,
        max: 3_600_000,
        meaning: 'How long the agent remembers that a module does not exist.',
      }),
      max_absent: integer({ default: 10_000, min: 1, max: MILLION, meaning: 'How many such modules one server remembers.' }),
      reconnect_min: milliseconds({
        default: 100,
        min: 1,
        max: 60_000,
        meaning: 'Upper bound of the first random pause before connecting again.',
      }),
      reconnect_max: milliseconds({ default: 5_000, min: 1, max: 600_000, meaning: 'Upper bound that the pauses grow to.' }),
      zone: text({
        default: ADAPTIVE_DEFAULTS.zone,
        maxLength: 64,
        meaning: 'adaptive: where this machine stands, as hosts name their zones; its own zone is preferred (rule AD-19, zones).',
      }),
      routes_file: pathOrNothing({
        default: 'data/agent-routes',
        meaning:
          'File in which the agent keeps its routes, and from which it serves them when it starts while dnsserver is away; it is created, with its folder. Nothing: it keeps none.',
      }),
      unsent_file: pathOrNothing({
        default: 'data/agent-unsent',
        meaning:
          'File for call statistics that could not be delivered when the agent ended; its next start sends them. Beside it, with .reporter behind its name, stands which reporter acknowledges. With several reporters each has files of its own, with its address behind the name. Nothing: it keeps none.',
      }),
      caller_ip: ipv4({
        default: '',
        meaning: "This machine's IPv4 address in the call statistics; empty takes the first one that is not loopback.",
      }),
    }),
    http: httpSection(7782),
    metrics: section('What GET /metrics shows of single modules and hosts.', {
      top_modules: integer({
        default: 20,
        min: 0,
        max: 1_000,
        meaning:
          'How many of the busiest modules are shown with their numbers as labels, beside up to 50 in trouble and 50 ejected hosts; 0: none of all these.',
      }),
    }),
    log: logSection(),
  },
});

export type AgentConfig = ConfigOf<typeof agentConfigTable>;
