import { formatHost, formatModule } from '@lars/proto';
import type { Command } from 'commander';
import { parseHostArgument } from '../../arguments/host.ts';
import { parseModule } from '../../arguments/module-id.ts';
import type { Shell } from '../../shell.ts';
import { type ChangeOptions, changeOptions, changeRoutes } from './change-routes.ts';

interface DrainOptions extends ChangeOptions {
  readonly off?: true;
}

const EXAMPLES = `
A host that drains gets no new calls and no probes; calls that are under way end well. Agents that do not know of draining
get the route without it. The mark stays until it is taken away. Exit code 1 when the module has not all of the hosts; then none
is marked. Exit code 3 when no host of the module would take calls any more, without --yes.

Examples:
  lars route drain 1/1 127.0.0.1:9001
  lars route drain 1/1 10.0.0.5:80 [2001:db8::1]:80
  lars route drain 1/1 127.0.0.1:9001 --off
`;

/** `lars route drain`: takes hosts out of service without removing them, and back into it. */
export function addRouteDrain(route: Command, shell: Shell): void {
  changeOptions(route.command('drain'))
    .description('give hosts no new calls, or with --off again')
    .argument('<module>', 'MODID/CMDID')
    .argument('<hosts...>', 'HOST:PORT, an IPv6 address in brackets')
    .option('--off', 'the hosts get calls again')
    .addHelpText('after', EXAMPLES)
    .action(async (moduleText: string, hostTexts: readonly string[], { off, ...options }: DrainOptions) => {
      const { modid, cmdid } = parseModule(moduleText);
      const hosts = hostTexts.map(text => formatHost(parseHostArgument(text)));
      const drain = off !== true;
      const what = { about: { modid, cmdid, drain }, name: formatModule(modid, cmdid) };
      await changeRoutes(route, shell, options, editor => editor.setDrain(modid, cmdid, hosts, drain), what);
    });
}
