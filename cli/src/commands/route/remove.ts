import { formatHost, formatModule } from '@lars/proto';
import type { Command } from 'commander';
import { parseHostArgument } from '../../arguments/host.ts';
import { parseModule } from '../../arguments/module-id.ts';
import { UsageError } from '../../errors.ts';
import { ExitCode } from '../../exit-code.ts';
import type { Shell } from '../../shell.ts';
import { type ChangeOptions, changeOptions, changeRoutes } from './change-routes.ts';

interface RemoveOptions extends ChangeOptions {
  readonly all?: true;
}

const EXAMPLES = `
Exit code 1 when nothing of it was there; 3 when the module would have no host any more that takes calls, without --yes.

Examples:
  lars route remove 1/1 127.0.0.1:9001
  lars route remove 1/1 --all --yes -m 'nobody calls it any more'
`;

/** `lars route remove`: one host or a whole module. */
export function addRouteRemove(route: Command, shell: Shell): void {
  changeOptions(route.command('remove'))
    .description('remove a host from a module, or the whole module')
    .argument('<module>', 'MODID/CMDID')
    .argument('[host]', 'HOST:PORT')
    .option('--all', 'the whole module')
    .addHelpText('after', EXAMPLES)
    .action(async (moduleText: string, hostText: string | undefined, { all, ...options }: RemoveOptions) => {
      const { modid, cmdid } = parseModule(moduleText);
      if ((hostText === undefined) !== (all === true))
        throw new UsageError(`route remove ${moduleText}: either a host, or --all for the whole module`);
      const hosts = hostText === undefined ? undefined : [formatHost(parseHostArgument(hostText))];
      const what = { about: { modid, cmdid }, name: formatModule(modid, cmdid) };
      const result = await changeRoutes(route, shell, options, editor => editor.remove(modid, cmdid, hosts), what);
      if (result.removed === 0) shell.exitCode = ExitCode.Failed;
    });
}
