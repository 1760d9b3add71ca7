/** How each alert of conf/prometheus/alerts.yml is played: what Prometheus scrapes each minute, and when it fires. */

export interface AlertCase {
  readonly alert: string;
  /** Series and their values, as promtool writes them. '1x60' is a 1 for 60 minutes more, '0+5x60' grows by 5 each minute. */
  readonly fault: Readonly<Record<string, string>>;
  /** The first minute in which it fires. */
  readonly firesAt: number;
  /** The same while all is well, or not long enough bad; nothing fires then in 60 minutes. */
  readonly well: Readonly<Record<string, string>>;
}

const AGENT = 'job="lars-agent",instance="a"';
const DNSSERVER = 'job="lars-dnsserver",instance="d"';
const REPORTER = 'job="lars-reporter",instance="r"';
const PROXY = 'job="lars-proxy",instance="p"';
const DISPATCHER = 'job="lars-dispatcher",instance="x"';
const MODULE = `${AGENT},modid="1",cmdid="2"`;

/** Bad from minute 10 on. */
const sinceTen = (well: number, bad: number) => `${well}x9 ${bad}x50`;
/** A blip of one scrape. */
const once = (well: number, bad: number) => `${well}x9 ${bad} ${well}x49`;
/** A counter that grows by this in minute 10, and stands still before and after. */
const oneStep = (by: number) => `0x9 ${by}x50`;
const STILL = '7x60';

export const ALERT_CASES: readonly AlertCase[] = [
  ...[
    { alert: 'LarsAgentDown', labels: AGENT, after: 2 },
    { alert: 'LarsDnsserverDown', labels: DNSSERVER, after: 2 },
    { alert: 'LarsReporterDown', labels: REPORTER, after: 5 },
    { alert: 'LarsProxyDown', labels: PROXY, after: 2 },
    { alert: 'LarsDispatcherDown', labels: DISPATCHER, after: 2 },
  ].map(({ alert, labels, after }) => ({
    alert,
    fault: { [`up{${labels}}`]: sinceTen(1, 0) },
    firesAt: 10 + after,
    well: { [`up{${labels}}`]: once(1, 0), 'up{job="other"}': '0x60' },
  })),
  {
    alert: 'LarsServiceRestarts',
    fault: { [`process_start_time_seconds{${AGENT}}`]: '1x9 2 2 3 4x48' },
    firesAt: 13,
    well: { [`process_start_time_seconds{${AGENT}}`]: '1x9 2 2 3x49' },
  },
  grows('LarsThreadRestarted', `lars_agent_thread_restarts_total{${AGENT},thread="dns"}`),
  grows('LarsThreadRestarted', `lars_dnsserver_worker_deaths_total{${DNSSERVER}}`),
  grows('LarsThreadRestarted', `lars_proxy_thread_restarts_total{${PROXY},thread="1"}`),
  grows('LarsThreadSilent', `lars_agent_thread_silences_total{${AGENT},thread="dns"}`),
  grows('LarsLogLost', `lars_log_lines_dropped_total{${AGENT}}`),
  grows('LarsLogLost', `lars_log_write_errors_total{${DNSSERVER}}`),
  {
    alert: 'LarsFewFileDescriptors',
    fault: { [`process_open_fds{${DNSSERVER}}`]: sinceTen(100, 850), [`process_max_fds{${DNSSERVER}}`]: '1000x60' },
    firesAt: 15,
    well: { [`process_open_fds{${DNSSERVER}}`]: once(100, 850), [`process_max_fds{${DNSSERVER}}`]: '1000x60' },
  },
  ...[
    'lars_dnsserver_tcp_refused_total',
    'lars_dnsserver_connections_not_handed_over_total',
    'lars_reporter_tcp_refused_total',
  ].map(counter => grows('LarsConnectionsRefused', `${counter}{${DNSSERVER}}`, { values: '0x9 1+1x50', firesAt: 15 })),
  ...['dnsserver', 'reporter'].flatMap(server =>
    ['refused_tls', 'refused_token', 'closed_speaks_tls'].map(counter =>
      grows('LarsLinksRefused', `lars_${server}_tcp_${counter}_total{${DNSSERVER}}`, {
        values: oneStep(7),
        firesAt: 10,
        // One that tried three times, and then gave up.
        well: oneStep(3),
      }),
    ),
  ),
  ...['agent', 'dnsserver', 'reporter'].map(service => ({
    alert: 'LarsCertificateExpires',
    fault: { [`lars_${service}_certificate_expires_seconds{${AGENT}}`]: '1210170-60x60' },
    firesAt: 11,
    well: { [`lars_${service}_certificate_expires_seconds{${AGENT}}`]: '1300000-60x60' },
  })),
  {
    alert: 'LarsAgentWithoutDnsserver',
    fault: { [`lars_agent_dnsserver_link_up{${AGENT}}`]: sinceTen(1, 0) },
    firesAt: 15,
    well: { [`lars_agent_dnsserver_link_up{${AGENT}}`]: '1x9 0x3 1x40' },
  },
  ...['dnsserver', 'reporter'].map(server => ({
    alert: 'LarsAgentOnLaterServer',
    fault: { [`lars_agent_${server}_server{${AGENT}}`]: sinceTen(1, 2) },
    firesAt: 20,
    // 0: it uses none, for which there are other alerts.
    well: { [`lars_agent_${server}_server{${AGENT}}`]: '1x9 2x8 1x9 0x30' },
  })),
  {
    alert: 'LarsAgentRoutesOld',
    fault: { [`lars_agent_old_routes_age_seconds{${AGENT},shard="1"}`]: '0x9 30+60x50' },
    firesAt: 27,
    well: { [`lars_agent_old_routes_age_seconds{${AGENT},shard="1"}`]: '0x9 30+60x8 0x40' },
  },
  {
    alert: 'LarsDnsserverDatabaseDown',
    fault: { [`lars_dnsserver_database_down{${DNSSERVER}}`]: sinceTen(0, 1) },
    firesAt: 11,
    well: { [`lars_dnsserver_database_down{${DNSSERVER}}`]: once(0, 1) },
  },
  {
    alert: 'LarsDnsserverKeepsHosts',
    fault: { [`lars_dnsserver_kept_hosts{${DNSSERVER}}`]: sinceTen(0, 40) },
    firesAt: 11,
    well: { [`lars_dnsserver_kept_hosts{${DNSSERVER}}`]: once(0, 40) },
  },
  {
    alert: 'LarsCallsRefused',
    fault: {
      [`lars_agent_answered_overload_total{${AGENT},shard="0"}`]: '0x9 6+6x50',
      [`lars_agent_answered_overload_total{${AGENT},shard="1"}`]: '0x60',
      [`lars_agent_get_host_total{${AGENT},shard="0"}`]: '0+120x60',
      [`lars_agent_get_host_total{${AGENT},shard="1"}`]: '0+120x60',
    },
    firesAt: 14,
    well: {
      [`lars_agent_answered_overload_total{${AGENT},shard="0"}`]: '0+1x60',
      [`lars_agent_get_host_total{${AGENT},shard="0"}`]: '0+120x60',
      // Without calls no share is too high.
      [`lars_agent_answered_overload_total{job="lars-agent",instance="b",shard="0"}`]: '0x60',
      [`lars_agent_get_host_total{job="lars-agent",instance="b",shard="0"}`]: '0x60',
    },
  },
  {
    alert: 'LarsModuleSheds',
    fault: { [`lars_agent_module_shedding{${MODULE}}`]: sinceTen(0, 1) },
    firesAt: 15,
    well: { [`lars_agent_module_shedding{${MODULE}}`]: '0x9 1x3 0x40' },
  },
  {
    alert: 'LarsModuleWithoutHosts',
    fault: {
      [`lars_agent_module_hosts{${MODULE},state="healthy"}`]: sinceTen(2, 0),
      [`lars_agent_module_hosts{${MODULE},state="ejected"}`]: sinceTen(0, 2),
      [`lars_agent_module_hosts{${MODULE},state="draining"}`]: '0x60',
    },
    firesAt: 11,
    well: {
      // One host is left.
      [`lars_agent_module_hosts{${MODULE},state="healthy"}`]: sinceTen(2, 1),
      [`lars_agent_module_hosts{${MODULE},state="ejected"}`]: sinceTen(0, 1),
      // All drain, which somebody wants.
      [`lars_agent_module_hosts{${AGENT},modid="2",cmdid="2",state="healthy"}`]: '0x60',
      [`lars_agent_module_hosts{${AGENT},modid="2",cmdid="2",state="ejected"}`]: '0x60',
      [`lars_agent_module_hosts{${AGENT},modid="2",cmdid="2",state="draining"}`]: '2x60',
    },
  },
  {
    alert: 'LarsModuleErrs',
    fault: {
      [`lars_agent_module_calls_total{${MODULE}}`]: '0+100x60',
      [`lars_agent_module_call_errors_total{${MODULE}}`]: '0x9 50+50x50',
    },
    firesAt: 17,
    well: {
      [`lars_agent_module_calls_total{${MODULE}}`]: '0+100x60',
      [`lars_agent_module_call_errors_total{${MODULE}}`]: '0+20x60',
      // A failure in a call a minute is no trouble of a service.
      [`lars_agent_module_calls_total{${AGENT},modid="2",cmdid="2"}`]: '0+1x60',
      [`lars_agent_module_call_errors_total{${AGENT},modid="2",cmdid="2"}`]: '0+1x60',
    },
  },
  {
    alert: 'LarsHostEjectedLong',
    fault: { [`lars_agent_host_ejected_seconds{${MODULE},host="10.0.0.5:80"}`]: '_x9 30+60x50' },
    firesAt: 25,
    well: { [`lars_agent_host_ejected_seconds{${MODULE},host="10.0.0.5:80"}`]: '_x9 30+60x12 _x30' },
  },
  grows('LarsAgentUdpDrops', `lars_agent_kernel_drops_total{${AGENT},shard="0"}`, {
    values: '0x9 100+100x50',
    firesAt: 15,
    well: '0x9 200x50',
  }),
  ...['parking_refused', 'misrouted_dropped', 'send_error'].map(name => {
    const series = (value: string) =>
      Object.fromEntries(
        ['parking_refused', 'misrouted_dropped', 'send_error'].map(other => [
          `lars_agent_${other}_total{${AGENT},shard="0"}`,
          other === name ? value : '0x60',
        ]),
      );
    return { alert: 'LarsAgentFlooded', fault: series('0x9 100+100x50'), firesAt: 15, well: series('0x9 200x50') };
  }),
  {
    alert: 'LarsReporterDatabaseDown',
    fault: { [`lars_reporter_database_down{${REPORTER}}`]: sinceTen(0, 1) },
    firesAt: 12,
    well: { [`lars_reporter_database_down{${REPORTER}}`]: once(0, 1) },
  },
  {
    alert: 'LarsReporterPaused',
    fault: { [`lars_reporter_paused{${REPORTER}}`]: sinceTen(0, 1) },
    firesAt: 15,
    well: { [`lars_reporter_paused{${REPORTER}}`]: '0x9 1x3 0x40' },
  },
  {
    alert: 'LarsAgentWithoutReporter',
    fault: { [`lars_agent_reporter_link_up{${AGENT}}`]: sinceTen(1, 0) },
    firesAt: 20,
    well: { [`lars_agent_reporter_link_up{${AGENT}}`]: '1x9 0x8 1x40' },
  },
  {
    alert: 'LarsReportsUnsent',
    fault: unsent({ waiting: sinceTen(0, 3), acknowledged: '0+5x9 45x50', linkUp: '1x60' }),
    firesAt: 25,
    well: {
      ...unsent({ waiting: '3x60', acknowledged: '0+5x60', linkUp: '1x60' }),
      // Behind a C++ reporter, which acknowledges nothing, nothing waits.
      'lars_agent_reporter_waiting{job="lars-agent",instance="b"}': '0x60',
      'lars_agent_reporter_acknowledged_total{job="lars-agent",instance="b"}': '0x60',
      'lars_agent_reporter_link_up{job="lars-agent",instance="b"}': '1x60',
    },
  },
  grows('LarsReportsLost', `lars_agent_reporter_dropped_total{${AGENT}}`),
  grows('LarsReporterBadNumbers', `lars_reporter_bad_numbers_total{${REPORTER}}`),
  {
    alert: 'LarsProxyFindsNoHost',
    fault: refusals({ no_host_left: '0x9 60+60x50' }),
    firesAt: 15,
    // One in two hundred.
    well: refusals({ no_hosts: '0+3x60' }),
  },
  ...['total_limit', 'listener_limit', 'host_limit', 'exhausted'].map(reason => ({
    alert: 'LarsProxyAtLimit',
    fault: refusals({ [reason]: '0x9 1+1x50' }),
    firesAt: 15,
    well: refusals({ [reason]: oneStep(3) }),
  })),
  {
    alert: 'LarsProxyWithoutAgent',
    fault: {
      [`lars_proxy_agent_away{${PROXY},thread="0"}`]: '0x60',
      [`lars_proxy_agent_away{${PROXY},thread="1"}`]: sinceTen(0, 1),
    },
    firesAt: 15,
    well: { [`lars_proxy_agent_away{${PROXY},thread="0"}`]: '0x9 1x3 0x40' },
  },
  {
    alert: 'LarsDispatcherWithoutWorkers',
    fault: { [`lars_dispatcher_workers{${DISPATCHER}}`]: sinceTen(2, 0) },
    firesAt: 11,
    well: { [`lars_dispatcher_workers{${DISPATCHER}}`]: once(2, 0) },
  },
  ...['full', 'late'].map(reason => ({
    alert: 'LarsDispatcherRefuses',
    fault: dispatcherRefusals({ [reason]: '0x9 1+1x50' }),
    firesAt: 15,
    well: dispatcherRefusals({ [reason]: oneStep(3) }),
  })),
  grows('LarsWorkersLost', `lars_dispatcher_workers_lost_total{${DISPATCHER}}`),
  grows('LarsWorkersLost', `lars_dispatcher_workers_dismissed_total{${DISPATCHER}}`),
  {
    alert: 'LarsDiskFull',
    fault: {
      [`lars_database_filesystem_avail_bytes{${DNSSERVER}}`]: sinceTen(500, 40),
      [`lars_database_filesystem_size_bytes{${DNSSERVER}}`]: '1000x60',
    },
    firesAt: 15,
    well: {
      [`lars_database_filesystem_avail_bytes{${DNSSERVER}}`]: once(60, 40),
      [`lars_database_filesystem_size_bytes{${DNSSERVER}}`]: '1000x60',
    },
  },
];

interface Growth {
  readonly values?: string;
  readonly firesAt?: number;
  readonly well?: string;
}

/** A counter that should stand still. */
function grows(alert: string, series: string, { values = oneStep(1), firesAt = 10, well = STILL }: Growth = {}): AlertCase {
  return { alert, fault: { [series]: values }, firesAt, well: { [series]: well } };
}

/** Of a proxy that accepts 600 connections a minute. */
function refusals(counts: Readonly<Record<string, string>>): Record<string, string> {
  const reasons = [
    'no_hosts',
    'unavailable',
    'no_agent',
    'no_host_left',
    'total_limit',
    'listener_limit',
    'host_limit',
    'exhausted',
  ];
  const refused = reasons.map(reason => [`lars_proxy_refused_${reason}_total{${PROXY},thread="0"}`, counts[reason] ?? '0x60']);
  return { ...Object.fromEntries(refused), [`lars_proxy_accepted_total{${PROXY},thread="0"}`]: '0+600x60' };
}

function dispatcherRefusals({ full = '0x60', late = '0x60' }: Readonly<Record<string, string>>): Record<string, string> {
  return {
    [`lars_dispatcher_refused_full_total{${DISPATCHER}}`]: full,
    [`lars_dispatcher_refused_late_total{${DISPATCHER}}`]: late,
  };
}

function unsent({ waiting, acknowledged, linkUp }: Readonly<Record<'waiting' | 'acknowledged' | 'linkUp', string>>) {
  return {
    [`lars_agent_reporter_waiting{${AGENT}}`]: waiting,
    [`lars_agent_reporter_acknowledged_total{${AGENT}}`]: acknowledged,
    [`lars_agent_reporter_link_up{${AGENT}}`]: linkUp,
  };
}
