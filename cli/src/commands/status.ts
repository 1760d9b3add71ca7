import type { Command } from 'commander';
import { parseHttpAddress } from '../arguments/host.ts';
import { ExitCode } from '../exit-code.ts';
import { formatStatus } from '../output/status-table.ts';
import type { Shell } from '../shell.ts';
import { confFolderOf } from './options.ts';

const EXAMPLES = `
Asks services on the [http] ports of their conf files: those that are named, else those whose conf file is in the folder, else
dnsserver, reporter and agent; and a proxy that runs, also without listeners in its conf file. Dispatchers have no conf file: those of systemd are found by
their dispatch-NAME.env, others are named by --http, as is a second proxy. ok: does its work. degraded: works with what it has. failing: does not work. down: no answer. Exit code 0 when all are ok, else 1.

Examples:
  lars status
  lars status --conf-dir /etc/lars
  lars status agent
  lars status --http 127.0.0.1:7790
  lars status --json
`;

/** `lars status`: how the services are. */
export function addStatus(program: Command, shell: Shell): void {
  program
    .command('status')
    .description('show how the services of this machine are')
    .argument('[services...]', 'dnsserver, reporter, agent, proxy, dispatcher')
    .option('--http <host:port>', 'ask also the service whose HTTP server is there; may be given several times', collectAddresses)
    .addHelpText('after', EXAMPLES)
    .action(async (named: readonly string[], { http = [] }: { readonly http?: readonly string[] }) => {
      const folder = confFolderOf(program);
      const [{ readConfigs }, { askServices }] = await Promise.all([
        import('../system/read-configs.ts'),
        import('../system/service-status.ts'),
      ]);
      const services = await askServices(folder, readConfigs(folder), named, http);
      const ok = services.every(({ status }) => status === 'ok');
      shell.print({ ok, services }, () => formatStatus(services, shell.paint, shell.terminal.columns));
      shell.exitCode = ok ? ExitCode.Ok : ExitCode.Failed;
    });
}

function collectAddresses(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, parseHttpAddress(text)];
}
