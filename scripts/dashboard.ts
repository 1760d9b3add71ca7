/** The Grafana dashboard, conf/grafana/lars.json: which panels there are and what they show. */

interface Panel {
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
const ALL = 'job=~"lars-.*"';

const agentRate = (counter: string) => `rate(lars_agent_${counter}_total{${AGENT}}[$__rate_interval])`;
const agentSum = (counter: string) => `sum(${agentRate(counter)})`;
const byAgent = (of: string) => `sum by (instance) (${of})`;
const byModule = (counter: string) => `sum by (modid, cmdid) (${agentRate(`module_${counter}`)})`;
const top = (of: string) => `topk(10, ${of})`;
const serverRate = (name: string, labels: string) => `sum(rate(lars_${name}_total{${labels}}[$__rate_interval]))`;
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

const COLUMNS = 24;
const ROW_HEIGHT = 1;
const PANEL_HEIGHT = 8;
const PANEL_WIDTH = 8;
const DATASOURCE = { type: 'prometheus', uid: '$datasource' };

/** The text of conf/grafana/lars.json. */
export function dashboardJson(): string {
  const dashboard = {
    title: 'LARS',
    uid: 'lars',
    tags: ['lars'],
    description: 'Load balancing with LARS: calls, hosts in trouble, shedding, routes, statistics, resources.',
    schemaVersion: 39,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    timezone: 'browser',
    templating: { list: [datasourceVariable(), agentVariable()] },
    annotations: { list: [] },
    links: [],
    panels: placedPanels(),
  };
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}

function datasourceVariable() {
  return { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus', current: {}, hide: 0 };
}

function agentVariable() {
  const query = 'label_values(up{job="lars-agent"}, instance)';
  return {
    ...{ name: 'agent', label: 'Agent', type: 'query', datasource: DATASOURCE, definition: query },
    query: { query, refId: 'agents', qryType: 1 },
    ...{ refresh: 2, sort: 1, multi: true, includeAll: true, allValue: '.*', current: { text: 'All', value: '$__all' }, hide: 0 },
  };
}

/** Rows one below the other, their panels from left to right. */
function placedPanels(): unknown[] {
  const placed: unknown[] = [];
  let y = 0;
  for (const [title, panels] of Object.entries(ROWS)) {
    placed.push({
      id: placed.length + 1,
      type: 'row',
      title,
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y, w: COLUMNS, h: ROW_HEIGHT },
    });
    y += ROW_HEIGHT;
    let x = 0;
    for (const panel of panels) {
      const w = panel.width ?? PANEL_WIDTH;
      if (x + w > COLUMNS) {
        x = 0;
        y += PANEL_HEIGHT;
      }
      placed.push({ id: placed.length + 1, gridPos: { x, y, w, h: PANEL_HEIGHT }, ...panelJson(panel) });
      x += w;
    }
    y += PANEL_HEIGHT;
  }
  return placed;
}

function panelJson({ title, description = '', unit = '', type = 'timeseries', queries }: Panel) {
  const isTable = type === 'table';
  const targets = Object.entries(queries).map(([legendFormat, expr], at) => ({
    ...{ refId: String.fromCharCode(65 + at), datasource: DATASOURCE, editorMode: 'code', expr, legendFormat },
    ...(isTable ? { format: 'table', instant: true, range: false } : { range: true }),
  }));
  return {
    ...{ title, description, type, datasource: DATASOURCE, targets },
    fieldConfig: { defaults: { unit: unit === '' ? 'short' : unit, min: 0 }, overrides: [] },
    options: isTable ? { showHeader: true, sortBy: [{ displayName: 'Value', desc: true }] } : OPTIONS[type],
    transformations: isTable ? [{ id: 'organize', options: { excludeByName: { Time: true } } }] : [],
  };
}

const OPTIONS = {
  timeseries: {
    legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
    tooltip: { mode: 'multi', sort: 'desc' },
  },
  stat: { colorMode: 'value', graphMode: 'none', reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false } },
} as const;
