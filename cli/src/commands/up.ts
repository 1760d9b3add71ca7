import type { Command } from 'commander';
import type { Shell } from '../shell.ts';
import { confFolderOf } from './options.ts';

const EXAMPLES = `
Everything runs in this one process, on the ports and with the database file of the conf files; a conf file that is missing
leaves its service at the built-in defaults. Paths in conf files count from the current folder. With --json, one line
{"event": "ready", ...} tells all ports once the system serves. Ctrl-C (or SIGTERM) stops it.

Examples:
  lars up
  lars up --conf-dir /etc/lars
  lars up --json 2> lars.log
`;

/** `lars up`: dnsserver, reporter and agent in one process. */
export function addUp(program: Command, shell: Shell): void {
  program
    .command('up')
    .description('run dnsserver, reporter and agent together in the foreground')
    .addHelpText('after', EXAMPLES)
    .action(async () => {
      const folder = confFolderOf(program);
      // Services, database and logging are loaded only by the commands that run them.
      const { runSystem } = await import('../system/run-system.ts');
      shell.exitCode = await runSystem(shell, folder);
    });
}
