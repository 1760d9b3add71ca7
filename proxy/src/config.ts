import { isPort, parseModule, SHARD_COUNT } from '@lars/proto';
import { engineKinds } from '@lars/reactor';
import { httpSection, logSection } from '@lars/runtime/config/common-sections';
import {
  type ConfigOf,
  choice,
  defineConfig,
  duration,
  type Field,
  type FieldOptions,
  host,
  integer,
  milliseconds,
  networks,
  path,
  patternSection,
  section,
  text,
} from '@lars/runtime/config/config';
import { parsePlace } from '@lars/runtime/listen-place';
import { parseServerNames, parseUnixHosts } from './listen/listener-text.ts';

export const POLICIES = ['agent', 'round_robin', 'least_connections', 'hash'] as const;
export const ACCEPTED_HEADERS = ['off', 'listed', 'always'] as const;
export const SENT_HEADERS = ['off', 'v1', 'v2'] as const;
export const ENGINES = ['auto', ...engineKinds] as const;

const NEVER = '0 = never.';
const DAY_MS = 86_400_000;

/** What holds for every listener, unless it says otherwise itself. */
export const listenerFields = {
  policy: choice(POLICIES, {
    default: 'agent',
    meaning:
      "How hosts are picked. agent: as the agent says. The others choose from the module's route and leave out a host that could not be reached, for a while: in turn by weight; the one " +
      "with the fewest connections of this proxy for its weight; or by a hash of the client's address, so that a client comes to the same host while that has not much more than its share.",
  }),
  tries: integer({
    default: 3,
    min: 1,
    max: 16,
    meaning: 'So many hosts are tried for a connection, each once, before a byte of it has moved.',
  }),
  connect_timeout: duration({ default: 2_000, min: 10, max: 300_000, meaning: 'A host must have accepted within this time.' }),
  idle_timeout: duration({
    default: 3_600_000,
    min: 0,
    max: 30 * DAY_MS,
    meaning: `A connection on which no byte moves for this time is reset. ${NEVER}`,
  }),
  half_close_timeout: duration({
    default: 300_000,
    min: 0,
    max: 30 * DAY_MS,
    meaning: `The same, once one of the two sides has ended its direction. ${NEVER}`,
  }),
  lifetime: duration({ default: 0, min: 0, max: 30 * DAY_MS, meaning: `A connection that is older is reset. ${NEVER}` }),
  max_connections: integer({
    default: 10_000,
    min: 1,
    max: 1_000_000,
    meaning: 'Connections of one listener beyond these are refused with a reset.',
  }),
  accept_proxy: choice(ACCEPTED_HEADERS, {
    default: 'off',
    meaning:
      'Whether a connection begins with a header of the PROXY protocol, version 1 or 2, that names the client. listed: those from proxy_sources do, all others are clients themselves. ' +
      'always: every one does, whoever sends it; for a UNIX socket.',
  }),
  proxy_sources: networks({
    default: '',
    meaning: 'The balancers that are believed to know their clients, for accept_proxy = listed.',
  }),
  header_timeout: duration({ default: 3_000, min: 10, max: 60_000, meaning: 'The header must be whole within this time.' }),
  send_proxy: choice(SENT_HEADERS, {
    default: 'off',
    meaning: 'Whether hosts are told the address of the client by a header of the PROXY protocol; they must expect it.',
  }),
  sniff_timeout: milliseconds({
    default: 300,
    min: 1,
    max: 10_000,
    meaning:
      'With server_names, a client that says nothing for this time, as where the host speaks first, goes to the module of the listener. A number without a unit is milliseconds here, and not seconds as elsewhere in this file.',
  }),
};

/** conf/proxy.ini. */
export const proxyConfigTable = defineConfig({
  file: 'proxy.ini',
  title: 'The LARS proxy: passes TCP connections on to hosts that LARS picks.',
  sections: {
    agent: section('The agent that is asked for hosts.', {
      host: host({ default: '127.0.0.1', meaning: 'Where it runs: an address or a name.' }),
      ports: checkedText(problemOfPorts, `a port, or ${SHARD_COUNT} with commas between them`, {
        default: '8888',
        meaning: 'The first of its three UDP ports, or all three.',
      }),
      routes_file: path({
        default: '',
        meaning:
          "The file to which the agent of this machine writes its routes, read while it is away. Nothing: LARS_ROUTES_FILE's, if that is set.",
      }),
      zone: text({
        default: '',
        maxLength: 64,
        meaning:
          'Where this machine stands: hosts of its zone are preferred while the agent is away. Nothing: what LARS_ZONE says.',
      }),
    }),
    proxy: section('What holds for the whole process.', {
      threads: integer({ default: 1, min: 1, max: 64, meaning: 'So many threads serve connections; they share the ports.' }),
      engine: choice(ENGINES, {
        default: 'auto',
        meaning: 'How sockets are served. auto takes io_uring, else epoll (both of Linux), else node, which runs everywhere.',
      }),
      max_connections: integer({
        default: 20_000,
        min: 1,
        max: 1_000_000,
        meaning: 'Connections beyond these are refused with a reset. Each takes two open files.',
      }),
      max_host_connections: integer({
        default: 0,
        min: 0,
        max: 1_000_000,
        meaning:
          'A host with so many connections of this proxy gets no more; with several threads each has its part of them, and after a takeover the process that drains counts for itself. 0 = any number.',
      }),
      fail_cool_down: duration({
        default: 5_000,
        min: 0,
        max: 600_000,
        meaning: 'A host that could not be reached is left out for this time, where the agent does not pick.',
      }),
      drain_time: duration({
        default: 10_000,
        min: 0,
        max: 3_600_000,
        meaning: 'At SIGTERM nothing new is accepted, and the open connections have this time to end; then they are reset.',
      }),
      takeover_socket: path({
        default: '',
        meaning:
          'The UNIX socket at which `lars proxy --takeover` asks for what this one listens to. Nothing: takeover.sock in the folder that systemd has made for the service (RUNTIME_DIRECTORY), ' +
          'if there is one.',
      }),
      takeover_drain_time: duration({
        default: 300_000,
        min: 0,
        max: 30 * DAY_MS,
        meaning:
          'When another proxy has taken over, open connections have this time to end, because nobody waits for it; then they are reset. SIGTERM shortens it to drain_time.',
      }),
      log_lines: integer({
        default: 10,
        min: 0,
        max: 100_000,
        meaning: 'So many connections a second are logged when they end; the others are counted.',
      }),
    }),
    listeners: section('What holds for every listener, unless its own section says otherwise.', listenerFields),
    listen: patternSection({
      form: 'listen NAME',
      example: 'listen mysql',
      meaning: 'A port or UNIX socket whose connections go to the hosts of a module. What is left out is as in [listeners].',
      fields: {
        address: checkedText(problemOf(parsePlace), 'IP:PORT, [IPV6]:PORT or unix:PATH', {
          default: '',
          meaning: 'Where to listen; must be given.',
        }),
        module: checkedText(
          written => (parseModule(written) === undefined ? `'${written}' is no module` : undefined),
          'MODID/CMDID',
          {
            default: '',
            meaning: 'The module whose hosts are called. May be left out with server_names: other connections are refused then.',
          },
        ),
        server_names: checkedText(problemOf(parseServerNames), 'a list of NAME=MODID/CMDID with commas between them', {
          default: '',
          meaning:
            'TLS connections go by the server name (SNI) of their ClientHello, which passes on untouched: db.example=10/1, *.example=10/2.',
        }),
        unix_hosts: checkedText(problemOf(parseUnixHosts), 'a list of HOST:PORT=PATH with commas between them', {
          default: '',
          meaning:
            'Hosts of the route that are reached by a UNIX socket of this machine: 127.0.0.1:3306=/run/mysqld/mysqld.sock.',
        }),
        ...listenerFields,
      },
      parseName: name => /^listen\s+([A-Za-z0-9_.:-]{1,64})$/.exec(name)?.[1],
    }),
    http: httpSection(7783),
    log: logSection(),
  },
});

export type ProxyConfig = ConfigOf<typeof proxyConfigTable>;

/** @returns the ports of [agent] ports, which has been checked */
export function agentPorts(written: string): number | readonly number[] {
  const ports = written.split(',').map(Number);
  return ports.length === 1 ? (ports[0] as number) : ports;
}

function problemOfPorts(written: string): string | undefined {
  const ports = written.split(',').map(part => (/^\s*[0-9]{1,5}\s*$/.test(part) ? Number(part) : Number.NaN));
  const last = ports.length === 1 ? (ports[0] as number) + SHARD_COUNT - 1 : 1;
  const isGood = (ports.length === 1 || ports.length === SHARD_COUNT) && ports.every(isPort) && isPort(last);
  return isGood
    ? undefined
    : `'${written}' is neither the first of ${SHARD_COUNT} ports that follow one another nor all ${SHARD_COUNT}`;
}

function problemOf(parse: (written: string) => unknown): (written: string) => string | undefined {
  return written => {
    const parsed = parse(written);
    return typeof parsed === 'string' ? parsed : undefined;
  };
}

/** A text that has been checked, and stays as it is written. */
function checkedText(
  problem: (written: string) => string | undefined,
  expected: string,
  options: FieldOptions<string>,
): Field<string> {
  const problemIn = (written: string) => (written === '' && options.default === '' ? undefined : problem(written));
  return {
    ...options,
    expected: options.default === '' ? `${expected}, or nothing` : expected,
    unit: '',
    secret: false,
    parse: written => (problemIn(written) === undefined ? written : undefined),
    explain: problemIn,
    format: String,
  };
}
