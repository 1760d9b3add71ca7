import type { Command } from 'commander';
import { ExitCode } from '../exit-code.ts';
import { formatStatus } from '../output/status-table.ts';
import type { Shell } from '../shell.ts';
import { confFolderOf } from './options.ts';

const EXAMPLES = `
Asks services on the [http] ports of their conf files: those that are named, else those whose conf file is in the folder, else all
three. ok: does its work. degraded: works with what it has. failing: does not work. down: no answer. Exit code 0 when all are ok, else 1.

Examples:
  lars status
  lars status --conf-dir /etc/lars
  lars status agent
  lars status --json
`;

/** `lars status`: how the services are. */
export function addStatus(program: Command, shell: Shell): void {
  program
    .command('status')
    .description('show how dnsserver, reporter and agent are')
    .argument('[services...]', 'dnsserver, reporter, agent')
    .addHelpText('after', EXAMPLES)
    .action(async (named: readonly string[]) => {
      const folder = confFolderOf(program);
      const [{ readConfigs }, { askServices, servicesOf }] = await Promise.all([
        import('../system/read-configs.ts'),
        import('../system/service-status.ts'),
      ]);
      const services = await askServices(readConfigs(folder), servicesOf(folder, named));
      const ok = services.every(({ status }) => status === 'ok');
      shell.print({ ok, services }, () => formatStatus(services, shell.paint, shell.terminal.columns));
      shell.exitCode = ok ? ExitCode.Ok : ExitCode.Failed;
    });
}
