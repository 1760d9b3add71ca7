import { type Command, Option } from 'commander';
import { CommandError } from '../errors.ts';
import { ExitCode } from '../exit-code.ts';
import { counted } from '../output/numbers.ts';
import type { Paint } from '../output/table.ts';
import type { Shell } from '../shell.ts';
import type { CheckedFile } from '../system/check-conf.ts';
import type { ConfiguredService } from '../system/check-together.ts';
import { type ConfFolder, confFileIn } from '../system/conf-folder.ts';
import { confFolderOf } from './options.ts';

const EXAMPLES = `
Reads conf files as the services do at their start, and names everything that they would refuse, with file and line, and what
may be a mistake: ports that other machines reach, a port that two services want. Nothing is started or changed. Without files:
those of the conf folder. Exit code 1 when a file would be refused; a warning is no error.

Examples:
  lars check
  lars check --conf-dir /etc/lars
  lars check new/agent.ini
  lars check --service agent /tmp/test.ini
`;

const SERVICES = ['agent', 'dnsserver', 'reporter', 'proxy'] as const satisfies readonly ConfiguredService[];

/** `lars check`: are the conf files right? */
export function addCheck(program: Command, shell: Shell): void {
  program
    .command('check')
    .description('check conf files, without starting anything')
    .argument('[files...]', 'agent.ini, dnsserver.ini, reporter.ini, proxy.ini')
    .addOption(new Option('--service <name>', 'whose conf files these are (default: as their names tell)').choices(SERVICES))
    .addHelpText('after', EXAMPLES)
    .action(async (given: readonly string[], { service }: { readonly service?: ConfiguredService }) => {
      const { checkConfFiles, serviceOf } = await import('../system/check-conf.ts');
      const paths = given.length === 0 ? filesIn(confFolderOf(program)) : given;
      const isNamed = given.length > 0;
      const files = await checkConfFiles(
        paths.map(file => ({ file, service: service ?? serviceOf(file) })),
        isNamed,
      );
      const ok = files.every(({ errors }) => errors.length === 0);
      shell.print({ ok, files }, () => checkText(files, shell.paint));
      shell.exitCode = ok ? ExitCode.Ok : ExitCode.Failed;
    });
}

function filesIn(folder: ConfFolder): string[] {
  const files = SERVICES.flatMap(name => confFileIn(folder, `${name}.ini`) ?? []);
  if (files.length > 0) return files;
  throw new CommandError(
    'NO_CONF',
    `folder ${folder.path} has none of agent.ini, dnsserver.ini, reporter.ini and proxy.ini: all run with built-in defaults`,
  );
}

function checkText(files: readonly CheckedFile[], paint: Paint): string {
  const lines = files.flatMap(({ file, service, errors, warnings }) => [
    ...(errors.length === 0 ? [`${file}: ${paint('green', 'ok')}, a conf file of the ${service}`] : []),
    ...errors.map(error => paint('red', error)),
    ...warnings.map(warning => `${paint('yellow', 'warning')}: ${warning}`),
  ]);
  const count = (of: (file: CheckedFile) => readonly string[]) => files.reduce((sum, file) => sum + of(file).length, 0);
  const errors = counted(
    count(file => file.errors),
    'error',
  );
  return `${lines.join('\n')}\n${counted(files.length, 'file')}, ${errors}, ${counted(
    count(file => file.warnings),
    'warning',
  )}\n`;
}
