import type { Command } from 'commander';
import type { Examination } from '../doctor/examine.ts';
import { ExitCode } from '../exit-code.ts';
import { wrapped } from '../output/fit.ts';
import { counted } from '../output/numbers.ts';
import { type Paint, visible } from '../output/table.ts';
import type { Shell } from '../shell.ts';
import { confFolderOf } from './options.ts';

const EXAMPLES = `
Looks at this machine: conf files, services and who has their ports, links and why servers cannot be reached, the age of routes and
whether agent and database have the same ones, kept hosts, limits, disk space, modes of files and folders, versions, datagrams that the
kernel dropped; on a reporter's machine also the clocks of the agents. It changes nothing. Each problem says what to do. Exit code 1
when something is found.

Examples:
  lars doctor
  lars doctor --conf-dir /etc/lars
  lars doctor --json
`;

const MAX_COLUMNS = 100;

/** `lars doctor`: what is wrong on this machine, and what to do about it. */
export function addDoctor(program: Command, shell: Shell): void {
  program
    .command('doctor')
    .description('find what is wrong on this machine, and say what to do')
    .addHelpText('after', EXAMPLES)
    .action(async () => {
      const { examine } = await import('../doctor/examine.ts');
      const found = await examine(confFolderOf(program));
      const ok = found.problems.length === 0;
      shell.print({ ok, ...found }, () => examinationText(found, shell.paint, shell.terminal.columns));
      shell.exitCode = ok ? ExitCode.Ok : ExitCode.Failed;
    });
}

function examinationText({ looked, problems }: Examination, paint: Paint, columns = MAX_COLUMNS): string {
  const width = Math.min(columns, MAX_COLUMNS);
  const head = looked.flatMap(line => wrapped(visible(line), width, '', '  '));
  const order = [...problems].sort((a, b) => Number(a.level === 'soon') - Number(b.level === 'soon'));
  const lines = order.flatMap(({ level, what, todo }) => {
    const [first = '', ...rest] = wrapped(visible(what), width, `${level.padEnd(5)}  `, '       ');
    return [
      paint(level === 'wrong' ? 'red' : 'yellow', first),
      ...rest,
      ...wrapped(`→ ${visible(todo)}`, width, '       ', '         '),
    ];
  });
  const foot = problems.length === 0 ? paint('green', 'Nothing is wrong.') : counted(problems.length, 'problem');
  return `${head.join('\n')}\n\n${lines.length === 0 ? '' : `${lines.join('\n')}\n\n`}${foot}\n`;
}
