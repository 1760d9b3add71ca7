import { Argument, type Command } from 'commander';
import { commandTree } from '../help/command-tree.ts';
import { completionScript, SHELLS, type ShellName } from '../help/completion.ts';
import type { Shell } from '../shell.ts';

const EXAMPLES = `
Examples:
  lars completion bash
  source <(lars completion bash)
  lars completion fish > ~/.config/fish/completions/lars.fish
`;

/** `lars completion`: what Tab completes. */
export function addCompletion(program: Command, shell: Shell): void {
  program
    .command('completion')
    .description('print what makes a shell complete the words of lars')
    .addArgument(new Argument('<shell>', 'your shell').choices(SHELLS))
    .addHelpText('after', EXAMPLES)
    .action((name: ShellName) => {
      const script = completionScript(name, commandTree(program));
      shell.print({ shell: name, script }, () => script);
    });
}
