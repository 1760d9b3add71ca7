import type { Command } from 'commander';
import { UsageError } from '../errors.ts';
import { EXIT_CODE_MEANINGS } from '../exit-code.ts';
import type { Shell } from '../shell.ts';

const EXIT_CODES = 'exit-codes';
const EXAMPLES = `
Examples:
  lars help
  lars help route add
  lars help ${EXIT_CODES}
`;

/** `lars help`: the help of a command, however deep, or of what all commands share. */
export function addHelp(program: Command, shell: Shell): void {
  program
    .helpCommand(false)
    .command('help')
    .description(`explain a command, or ${EXIT_CODES}`)
    .argument('[words...]', `the command, such as route add; or ${EXIT_CODES}`)
    .addHelpText('after', EXAMPLES)
    .action((words: readonly string[]) => {
      if (words.join(' ') === EXIT_CODES) {
        const codes = EXIT_CODE_MEANINGS.map(([code, meaning]) => ({ code, meaning }));
        shell.print(codes, () => codes.map(({ code, meaning }) => `${code}  ${meaning}\n`).join(''));
      } else findCommand(program, words).outputHelp();
    });
}

/** @throws {UsageError} naming the first word that is no command */
function findCommand(program: Command, words: readonly string[]): Command {
  return words.reduce((command, word) => {
    const found = command.commands.find(child => child.name() === word);
    if (found !== undefined) return found;
    const known = command.commands.map(child => child.name()).join(', ');
    throw new UsageError(`no command '${word}'${known === '' ? ` below ${command.name()}` : `; there are ${known}`}`);
  }, program);
}
