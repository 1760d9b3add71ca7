/** The Grafana dashboard, conf/grafana/lars.json. */
import { type Panel, ROWS } from './dashboard-panels.ts';

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
    description: 'Load balancing with LARS: calls, hosts in trouble, shedding, routes, statistics, connections, resources.',
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
