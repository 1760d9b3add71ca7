import { type Command, Option } from 'commander';
import type { Shell } from '../shell.ts';
import { addRouteAdd } from './route/add.ts';
import { addRouteApply } from './route/apply.ts';
import { addRouteClear } from './route/clear.ts';
import { addRouteConfirm } from './route/confirm.ts';
import { addRouteDiff } from './route/diff.ts';
import { addRouteDrain } from './route/drain.ts';
import { addRouteExport } from './route/export.ts';
import { addRouteHistory } from './route/history.ts';
import { addRouteImport } from './route/import.ts';
import { addRouteList } from './route/list.ts';
import { addRouteRemove } from './route/remove.ts';
import { addRouteRestore } from './route/restore.ts';
import { addRouteUndo } from './route/undo.ts';

const EXAMPLES = `
Works on the database file, whether the system runs or not; a running one sees each change within moments. Each change is
remembered, with who made it; -m says why.

Examples:
  lars route add 1/1 127.0.0.1:9001 127.0.0.1:9002
  lars route list
  lars route drain 1/1 127.0.0.1:9002
  lars route remove 1/1 127.0.0.1:9002
  lars route export routes.csv
  lars route import routes.csv --replace
  lars route history
  lars route undo 17
`;

/** `lars route`: reads and writes the routes in the database. */
export function addRoute(program: Command, shell: Shell): void {
  const route = program
    .command('route')
    .description('list and change where modules are served')
    .addOption(new Option('--db <file>', 'the SQLite file (default: [database] file of dnsserver.ini)'))
    .addOption(new Option('--create', 'make the file when there is none'))
    .addHelpText('after', EXAMPLES);
  const parts = [
    addRouteList,
    addRouteAdd,
    addRouteDrain,
    addRouteRemove,
    addRouteImport,
    addRouteApply,
    addRouteExport,
    addRouteHistory,
    addRouteDiff,
    addRouteUndo,
    addRouteRestore,
    addRouteConfirm,
    addRouteClear,
  ];
  for (const add of parts) add(route, shell);
}
