import type { Command } from 'commander';
import type { Shell } from '../shell.ts';
import { confFileIn } from '../system/conf-folder.ts';
import type { ServiceName } from '../system/start-system.ts';
import { confFolderOf } from './options.ts';

interface ServiceOptions {
  readonly conf?: string;
  readonly printConf?: true;
}

const SERVICES: Readonly<Record<ServiceName, string>> = {
  agent: 'run the agent: one on every machine whose business code calls services',
  dnsserver: 'run the dnsserver, which answers with the routes and pushes every change to the agents',
  reporter: 'run the reporter, which keeps the call statistics of all agents',
};

const examples = (name: string) => `
Without --conf it reads conf/${name}.ini if there is one, else it runs with built-in defaults. With --json, one line
{"event": "ready", ...} tells the ports once it serves. Ctrl-C (or SIGTERM) stops it.

Examples:
  lars ${name}
  lars ${name} --conf /etc/lars/${name}.ini
  lars ${name} --print-conf > conf/${name}.ini
`;

/** `lars agent`, `lars dnsserver`, `lars reporter`: one service in the foreground. */
export function addServices(program: Command, shell: Shell): void {
  for (const [name, description] of Object.entries(SERVICES) as [ServiceName, string][]) {
    program
      .command(name)
      .description(description)
      .option('--conf <file>', 'the conf file')
      .option('--print-conf', 'print a conf file with every key, its default and its meaning')
      .addHelpText('after', examples(name))
      .action(async ({ conf, printConf }: ServiceOptions) => {
        const { printSample, runService } = await import('../system/run-service.ts');
        if (printConf === true) await printSample(shell, name);
        else shell.exitCode = await runService(shell, name, conf ?? confFileIn(confFolderOf(program), `${name}.ini`));
      });
  }
}
