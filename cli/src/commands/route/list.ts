import type { RouteContent } from '@lars/dnsserver';
import { countedWeight, formatHost, formatModule } from '@lars/proto';
import type { Command } from 'commander';
import { parseModule } from '../../arguments/module-id.ts';
import { DRAIN_COLUMN, drainCell } from '../../output/drain-column.ts';
import { routeDocument } from '../../output/route-document.ts';
import { formatTable, type Paint } from '../../output/table.ts';
import type { Shell } from '../../shell.ts';
import { inspectRoutes, plural } from './database.ts';

const EXAMPLES = `
Examples:
  lars route list
  lars route list 1/1 --json
`;

/** `lars route list`: the routes that are in the database. */
export function addRouteList(route: Command, shell: Shell): void {
  route
    .command('list')
    .description('show the routes, all or those of one module')
    .argument('[module]', 'MODID/CMDID')
    .addHelpText('after', EXAMPLES)
    .action(async (moduleText?: string) => {
      const filter = moduleText === undefined ? {} : parseModule(moduleText);
      const routes = await inspectRoutes(route, inspector => inspector.list(filter));
      shell.print({ routes: routes.map(routeDocument) }, () => routesText(routes, shell.paint));
    });
}

function routesText(routes: readonly RouteContent[], paint: Paint): string {
  const columns = [
    { title: 'module' },
    { title: 'host' },
    { title: 'weight', align: 'right' },
    { title: 'zone' },
    DRAIN_COLUMN,
  ] as const;
  const rows = routes.flatMap(({ modid, cmdid, hosts }) =>
    hosts.map(host => [
      formatModule(modid, cmdid),
      formatHost(host),
      String(countedWeight(host.weight)),
      host.zone,
      drainCell(host),
    ]),
  );
  const sum = `${plural(rows.length, 'host')} in ${plural(routes.length, 'module')}\n`;
  return rows.length === 0 ? sum : `${formatTable(columns, rows, paint)}\n${sum}`;
}
