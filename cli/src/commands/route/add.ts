import { formatHost, formatModule } from '@lars/proto';
import type { Command } from 'commander';
import { parseHostArgument } from '../../arguments/host.ts';
import { parseModule } from '../../arguments/module-id.ts';
import { integerOption } from '../../arguments/number.ts';
import { UsageError } from '../../errors.ts';
import type { Shell } from '../../shell.ts';
import { type ChangeOptions, changeOptions, changeRoutes } from './change-routes.ts';

interface AddOptions extends ChangeOptions {
  readonly weight?: number;
  readonly zone?: string;
}

const MAX_WEIGHT = 1_000_000;

const EXAMPLES = `
A host that is there already gets the weight and the zone that are given.

Examples:
  lars route add 1/1 127.0.0.1:9001
  lars route add 1/1 10.0.0.5:80 [2001:db8::1]:80 --weight 200 --zone eu-1 -m 'two more for the sale'
`;

/** In the database 0 is the usual weight, and whoever types it means the opposite. */
function weightOption(text: string): number {
  if (Number(text) !== 0) return integerOption('--weight', 1, MAX_WEIGHT)(text);
  throw new UsageError(
    `--weight ${text}: expected an integer in 1..${MAX_WEIGHT}; for a host without calls, see lars route drain`,
  );
}

/** `lars route add`: hosts for a module. */
export function addRouteAdd(route: Command, shell: Shell): void {
  changeOptions(route.command('add'))
    .description('add hosts to a module')
    .argument('<module>', 'MODID/CMDID')
    .argument('<hosts...>', 'HOST:PORT, an IPv6 address in brackets')
    .option('--weight <n>', 'relative capacity; 100 is usual', weightOption)
    .option('--zone <name>', 'where the hosts stand')
    .addHelpText('after', EXAMPLES)
    .action(async (moduleText: string, hostTexts: readonly string[], { weight, zone, ...options }: AddOptions) => {
      const { modid, cmdid } = parseModule(moduleText);
      const hosts = hostTexts.map(text => ({ host: formatHost(parseHostArgument(text)), weight, zone }));
      const what = { about: { modid, cmdid }, name: formatModule(modid, cmdid) };
      await changeRoutes(route, shell, options, editor => editor.add(modid, cmdid, hosts), what);
    });
}
