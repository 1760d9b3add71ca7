// pure
import { EXIT_CODE_MEANINGS } from '../exit-code.ts';
import { allCommands, type CommandNode, type OptionNode } from './command-tree.ts';

/** The man page lars(1), in man macros. */
export function manPage(tree: CommandNode, version: string): string {
  // A command that only has others below it says nothing that they do not.
  const commands = allCommands(tree).filter(node => node !== tree && (node.commands.length === 0 || node.options.length > 0));
  return [
    `.\\" Printed by npm run man from the commands themselves.`,
    `.TH LARS 1 "" "LARS ${version}" "LARS"`,
    '.SH NAME',
    'lars \\- load balancing: which host to call',
    '.SH SYNOPSIS',
    '.B lars',
    roff('COMMAND [arguments] [options]'),
    '.SH DESCRIPTION',
    roff(tree.description),
    '.PP',
    'Results go to standard output, logs and errors to standard error.',
    '.SH OPTIONS OF ALL COMMANDS',
    ...tree.options.flatMap(optionLines),
    '.SH COMMANDS',
    ...commands.flatMap(commandLines),
    '.SH EXIT STATUS',
    ...EXIT_CODE_MEANINGS.flatMap(([code, meaning]) => ['.TP', `.B ${code}`, roff(meaning)]),
    '',
  ].join('\n');
}

function commandLines({ path, usage, description, options, notes }: CommandNode): string[] {
  return [
    `.SS lars ${roff(path)} ${roff(usage)}`,
    roff(`${description[0]?.toUpperCase()}${description.slice(1)}.`),
    ...options.flatMap(optionLines),
    ...(notes === '' ? [] : ['.PP', '.nf', ...notes.split('\n').map(roff), '.fi']),
  ];
}

function optionLines({ flags, description, choices }: OptionNode): string[] {
  const values = choices.length === 0 ? '' : ` (${choices.join(', ')})`;
  return ['.TP', `.B ${roff(flags)}`, roff(description + values)];
}

/** A dot or an apostrophe at the front would be a macro; a hyphen is meant as it is typed. */
function roff(text: string): string {
  const escaped = text.replaceAll('\\', '\\e').replaceAll('-', '\\-');
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}
