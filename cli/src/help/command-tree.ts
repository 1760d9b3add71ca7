// pure
/** What can be typed, as plain data: completion and man page are printed from it. */
import type { EventEmitter } from 'node:events';
import type { Command } from 'commander';

export interface CommandNode {
  /** The words behind `lars`; '' for lars itself. */
  readonly path: string;
  readonly name: string;
  readonly usage: string;
  readonly description: string;
  readonly options: readonly OptionNode[];
  readonly commands: readonly CommandNode[];
  /** Choices of arguments, such as the names of shells. */
  readonly choices: readonly string[];
  /** What stands below the options in the help: explanation and examples. */
  readonly notes: string;
}

export interface OptionNode {
  /** '--by <what>' */
  readonly flags: string;
  /** '--by' */
  readonly long: string;
  readonly takesValue: boolean;
  readonly choices: readonly string[];
  readonly description: string;
}

export function commandTree(command: Command, path: readonly string[] = []): CommandNode {
  const commands = command.commands.map(child => commandTree(child, [...path, child.name()]));
  return {
    path: path.join(' '),
    name: command.name(),
    usage: command.usage(),
    description: command.description(),
    options: command.options.map(option => ({
      flags: option.flags,
      long: option.long ?? option.flags,
      takesValue: option.required || option.optional,
      choices: option.argChoices ?? [],
      description: option.description,
    })),
    commands,
    choices: command.registeredArguments.flatMap(argument => argument.argChoices ?? []),
    notes: notesOf(command),
  };
}

/** The texts that were added to the help are to be had by the event that prints them alone. */
function notesOf(command: Command): string {
  let notes = '';
  const write = (text: string) => {
    notes += text;
  };
  // A Command is an emitter, though its types do not say so.
  (command as Command & Pick<EventEmitter, 'emit'>).emit('afterHelp', { error: false, command, write });
  return notes.trim();
}

/** The command and all below it. */
export function allCommands(tree: CommandNode): CommandNode[] {
  return [tree, ...tree.commands.flatMap(allCommands)];
}
