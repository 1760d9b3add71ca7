/** Which panels the Grafana dashboard has, and what they show. */

export interface Panel {
  readonly title: string;
  readonly description?: string;
  /** As Grafana names them; '' counts things. */
  readonly unit?: 's' | 'bytes' | 'percentunit' | 'reqps' | 'ops' | '';
  readonly type?: 'timeseries' | 'stat' | 'table';
  /** Of 24 columns. */
  readonly width?: number;
  /** PromQL by legend; {{label}} in a legend is a label's value. */
  readonly queries: Readonly<Record<string, string>>;
}

const AGENT = 'job="lars-agent",instance=~"$agent"';
const DNSSERVER = 'job="lars-dnsserver"';
const REPORTER = 'job="lars-reporter"';
const PROXY = 'job="lars-proxy"';
const DISPATCHER = 'job="lars-dispatcher"';
const ALL = 'job=~"lars-.*"';

const agentRate = (counter: string) => `rate(lars_agent_${counter}_total{${AGENT}}[$__rate_interval])`;
const agentSum = (counter: string) => `sum(${agentRate(counter)})`;
const byAgent = (of: string) => `sum by (instance) (${of})`;
const byModule = (counter: string) => `sum by (modid, cmdid) (${agentRate(`module_${counter}`)})`;
const top = (of: string) => `topk(10, ${of})`;
const serverRate = (name: string, labels: string) => `sum(rate(lars_${name}_total{${labels}}[$__rate_interval]))`;
const proxyRefused = (reason: string) => serverRate(`proxy_refused_${reason}`, PROXY);
const MODULE = '{{modid}}/{{cmdid}}';

export const ROWS: Readonly<Record<string, readonly Panel[]>> = {
  Services: [
    { title: 'Up', type: 'stat', queries: { '{{job}}': `sum by (job) (up{${ALL}})` } },
    {
      title: 'Alerts',
      type: 'table',
      queries: { '': `count by (alertname, severity) (ALERTS{alertstate="firing",alertname=~"Lars.*"})` },
    },
    { title: 'Versions', type: 'table', queries: { '': `count by (service, version) (lars_build_info{${ALL}})` } },
  ],
  Calls: [
    {
      title: 'getHost, by answer',
      unit: 'reqps',
      queries: {
        'a host': agentSum('answered_success'),
        OVERLOAD: agentSum('answered_overload'),
        NOEXIST: agentSum('answered_no_exist'),
        SYSTEM_ERROR: agentSum('answered_error'),
      },
    },
    {
      title: 'Reported calls',
      description: 'Clients with a copy of a route pick without asking, and report all the same.',
      unit: 'reqps',
      queries: { '{{instance}}': byAgent(agentRate('reported_calls')) },
    },
    { title: 'Busiest modules', unit: 'reqps', queries: { [MODULE]: top(byModule('calls')) } },
    {
      title: 'Share of failed calls',
      unit: 'percentunit',
      queries: { [MODULE]: top(`${byModule('call_errors')} / ${byModule('calls')}`) },
    },
    { title: 'Mean duration', unit: 's', queries: { [MODULE]: top(`${byModule('call_seconds')} / ${byModule('calls')}`) } },
    {
      title: 'Parked and turned away',
      unit: 'reqps',
      queries: {
        parked: agentSum('parked'),
        'parking refused': agentSum('parking_refused'),
        'misrouted, dropped': agentSum('misrouted_dropped'),
        'send errors': agentSum('send_error'),
        'dropped by the kernel': agentSum('kernel_drops'),
      },
    },
  ],
  'Hosts in trouble': [
    { title: 'Ejected hosts', unit: '', queries: { '{{instance}}': byAgent(`lars_agent_ejected_hosts{${AGENT}}`) } },
    {
      title: 'Ejections, recoveries and probes',
      unit: 'ops',
      queries: { ejections: agentSum('ejections'), recoveries: agentSum('recoveries'), probes: agentSum('probes') },
    },
    {
      title: 'Ejected for',
      description: 'The longest at any agent.',
      unit: 's',
      type: 'table',
      queries: { '': `max by (modid, cmdid, host) (lars_agent_host_ejected_seconds{${AGENT}})` },
    },
    {
      title: 'Modules with ejected hosts',
      description: 'The fewest healthy hosts at any agent.',
      unit: '',
      type: 'table',
      queries: {
        '': `min by (modid, cmdid) (lars_agent_module_hosts{${AGENT},state="healthy"} and ignoring (state) lars_agent_module_hosts{${AGENT},state="ejected"} > 0)`,
      },
    },
  ],
  Shedding: [
    {
      title: 'Modules that refuse calls',
      unit: '',
      queries: { '{{instance}}': byAgent(`lars_agent_shedding_modules{${AGENT}}`) },
    },
    {
      title: 'Refused calls',
      unit: 'reqps',
      queries: { 'work waits': agentSum('refused_queue'), 'all refused': agentSum('answered_overload') },
    },
    { title: 'Episodes begun', unit: 'ops', queries: { '{{instance}}': byAgent(agentRate('sheddings')) } },
    { title: 'Which', unit: '', queries: { [MODULE]: `max by (modid, cmdid) (lars_agent_module_shedding{${AGENT}})` } },
  ],
  'Routes and revisions': [
    { title: 'Revision', unit: '', queries: { '{{instance}}': `max by (instance) (lars_dnsserver_revision{${DNSSERVER}})` } },
    {
      title: 'Routes',
      unit: '',
      queries: {
        modules: `max(lars_dnsserver_modules{${DNSSERVER}})`,
        hosts: `max(lars_dnsserver_hosts{${DNSSERVER}})`,
        'kept hosts': `max(lars_dnsserver_kept_hosts{${DNSSERVER}})`,
      },
    },
    {
      title: 'Changes and pushes',
      unit: 'ops',
      queries: {
        'changed modules': serverRate('dnsserver_changed_modules', DNSSERVER),
        pushes: serverRate('dnsserver_pushes', DNSSERVER),
        'queries of agents': serverRate('dnsserver_requests', DNSSERVER),
        'failed polls': serverRate('dnsserver_db_errors', DNSSERVER),
      },
    },
    {
      title: 'Agents',
      unit: '',
      queries: {
        connected: `sum(lars_dnsserver_connections{${DNSSERVER}})`,
        subscriptions: `sum(lars_dnsserver_subscriptions{${DNSSERVER}})`,
        'on a later server': `count(lars_agent_dnsserver_server{${AGENT}} > 1) or vector(0)`,
        'without dnsserver': `count(lars_agent_dnsserver_link_up{${AGENT}} == 0) or vector(0)`,
      },
    },
    {
      title: 'Age of old routes',
      description: 'Agents that were started while dnsserver was away.',
      unit: 's',
      queries: { '{{instance}}': `max by (instance) (lars_agent_old_routes_age_seconds{${AGENT}})` },
    },
    {
      title: 'Modules of the agents',
      unit: '',
      queries: {
        '{{instance}}': byAgent(`lars_agent_modules{${AGENT}}`),
        '{{instance}} absent': byAgent(`lars_agent_absent_modules{${AGENT}}`),
      },
    },
  ],
  'Reporter lag': [
    {
      title: 'Reports that wait',
      unit: '',
      queries: {
        'at {{instance}}': `lars_agent_reporter_waiting{${AGENT}}`,
        'in the queue of {{instance}}': `lars_reporter_queue_reports{${REPORTER}}`,
      },
    },
    {
      title: 'Reports',
      unit: 'ops',
      queries: {
        sent: agentSum('reporter_sent'),
        acknowledged: agentSum('reporter_acknowledged'),
        merged: agentSum('reporter_merged'),
        lost: agentSum('reporter_dropped'),
      },
    },
    {
      title: 'Rows stored',
      unit: 'ops',
      queries: {
        stored: serverRate('reporter_rows_stored', REPORTER),
        pruned: serverRate('reporter_rows_pruned', REPORTER),
        'failed batches': serverRate('reporter_flush_errors', REPORTER),
      },
    },
    {
      title: 'In trouble',
      unit: '',
      queries: {
        'database down': `max(lars_reporter_database_down{${REPORTER}})`,
        paused: `max(lars_reporter_paused{${REPORTER}})`,
        'agents without reporter': `count(lars_agent_reporter_link_up{${AGENT}} == 0) or vector(0)`,
      },
    },
  ],
  'Proxies and dispatchers': [
    {
      title: 'Open connections',
      unit: '',
      queries: {
        'proxy {{instance}}': `sum by (instance) (lars_proxy_connections{${PROXY}})`,
        'workers of {{instance}}': `sum by (instance) (lars_dispatcher_open{${DISPATCHER}})`,
        'waiting at {{instance}}': `sum by (instance) (lars_dispatcher_waiting{${DISPATCHER}})`,
      },
    },
    {
      title: 'Connections of proxies',
      unit: 'ops',
      queries: {
        accepted: serverRate('proxy_accepted', PROXY),
        'came to a host': serverRate('proxy_relayed', PROXY),
        'hosts that failed': serverRate('proxy_connect_failures', PROXY),
        'hosts too slow': serverRate('proxy_connect_timeouts', PROXY),
      },
    },
    {
      title: 'Refused by proxies',
      unit: 'ops',
      queries: {
        'no host': ['no_hosts', 'unavailable', 'no_agent', 'no_host_left'].map(proxyRefused).join(' + '),
        'at a limit': ['total_limit', 'listener_limit', 'host_limit', 'exhausted'].map(proxyRefused).join(' + '),
        'bad first bytes': ['bad_header', 'header_timeout', 'no_rule'].map(proxyRefused).join(' + '),
      },
    },
    {
      title: 'Bytes of proxies',
      description: 'Of connections that have ended.',
      unit: 'bytes',
      queries: {
        'to hosts': serverRate('proxy_bytes_to_hosts', PROXY),
        'to clients': serverRate('proxy_bytes_to_clients', PROXY),
      },
    },
    {
      title: 'Connections of dispatchers',
      unit: 'ops',
      queries: {
        'handed over': serverRate('dispatcher_handed_over', DISPATCHER),
        waited: serverRate('dispatcher_waited', DISPATCHER),
        refused: `${serverRate('dispatcher_refused_full', DISPATCHER)} + ${serverRate('dispatcher_refused_late', DISPATCHER)}`,
      },
    },
    {
      title: 'Workers',
      unit: '',
      queries: {
        '{{instance}}': `sum by (instance) (lars_dispatcher_workers{${DISPATCHER}})`,
        '{{instance}} lost': `sum by (instance) (increase(lars_dispatcher_workers_lost_total{${DISPATCHER}}[1h]))`,
        '{{instance}} dismissed': `sum by (instance) (increase(lars_dispatcher_workers_dismissed_total{${DISPATCHER}}[1h]))`,
      },
    },
  ],
  Resources: [
    {
      title: 'CPU',
      unit: 'percentunit',
      queries: { '{{job}} {{instance}}': `rate(process_cpu_seconds_total{${ALL}}[$__rate_interval])` },
    },
    { title: 'Memory', unit: 'bytes', queries: { '{{job}} {{instance}}': `process_resident_memory_bytes{${ALL}}` } },
    {
      title: 'Event loop of the main thread, 99 %',
      unit: 's',
      queries: { '{{job}} {{instance}}': `nodejs_eventloop_lag_p99_seconds{${ALL}}` },
    },
    {
      title: 'Open files',
      unit: 'percentunit',
      queries: { '{{job}} {{instance}}': `process_open_fds{${ALL}} / process_max_fds{${ALL}}` },
    },
    {
      title: 'Databases',
      unit: 'bytes',
      queries: {
        '{{job}} {{instance}}': `lars_database_size_bytes{${ALL}}`,
        'room beside {{job}} {{instance}}': `lars_database_filesystem_avail_bytes{${ALL}}`,
      },
    },
    {
      title: 'Threads',
      unit: '',
      queries: {
        '{{instance}} restarts': byAgent(`increase(lars_agent_thread_restarts_total{${AGENT}}[1h])`),
        '{{instance}} silences': byAgent(`increase(lars_agent_thread_silences_total{${AGENT}}[1h])`),
      },
    },
    {
      title: 'Lost lines of the log',
      unit: 'ops',
      queries: { '{{job}} {{instance}}': `rate(lars_log_lines_dropped_total{${ALL}}[$__rate_interval])` },
    },
  ],
};
