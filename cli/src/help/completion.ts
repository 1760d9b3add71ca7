// pure
/** Completion scripts for shells: what can be typed is written into them, so that a Tab starts no process. */
import { allCommands, type CommandNode, type OptionNode } from './command-tree.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type ShellName = (typeof SHELLS)[number];

export function completionScript(shell: ShellName, tree: CommandNode): string {
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](tree);
}

interface Word {
  readonly word: string;
  readonly description: string;
}

function wordsOf(tree: CommandNode, node: CommandNode): Word[] {
  const everywhere = node === tree ? [] : tree.options;
  return [
    ...node.commands.map(({ name, description }) => ({ word: name, description })),
    ...node.choices.map(word => ({ word, description: '' })),
    ...[...node.options, ...everywhere].map(({ long, description }) => ({ word: long, description })),
    { word: '--help', description: 'explain the command' },
  ];
}

/** The values of options that have a few, by the option. */
function choicesOf(tree: CommandNode): Map<string, readonly string[]> {
  const options: readonly OptionNode[] = allCommands(tree).flatMap(node => node.options);
  return new Map(options.filter(({ choices }) => choices.length > 0).map(({ long, choices }) => [long, choices]));
}

const keyOf = ({ path }: CommandNode) => (path === '' ? '' : `/${path.replaceAll(' ', '/')}`);

/** The command whose words are being typed is found word by word: the path grows with each word that is a command there. */
function bashScript(tree: CommandNode): string {
  const nodes = allCommands(tree);
  const paths = nodes.filter(node => node !== tree).map(node => keyOf(node));
  const values = Array.from(choicesOf(tree), ([long, choices]) => `    ${long}) words='${choices.join(' ')}' ;;`);
  const cases = nodes.map(
    node =>
      `      '${keyOf(node)}') words='${wordsOf(tree, node)
        .map(({ word }) => word)
        .join(' ')}' ;;`,
  );
  return `# Completion of lars for bash: source <(lars completion bash)
_lars() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" path='' word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path/$word" in
      ${paths.join('|')}) path="$path/$word" ;;
    esac
  done
  case "$prev" in
${values.join('\n')}
    *) case "$path" in
${cases.join('\n')}
    esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _lars lars
`;
}

function zshScript(tree: CommandNode): string {
  const nodes = allCommands(tree);
  const paths = nodes.filter(node => node !== tree).map(node => keyOf(node));
  const values = Array.from(choicesOf(tree), ([long, choices]) => `    ${long}) compadd -- ${choices.join(' ')}; return ;;`);
  const item = ({ word, description }: Word) => `'${word}${description === '' ? '' : `:${quotedInSingle(description)}`}'`;
  const cases = nodes.map(node => `    '${keyOf(node)}') items=(${wordsOf(tree, node).map(item).join(' ')}) ;;`);
  return `#compdef lars
# Completion of lars for zsh: source <(lars completion zsh)
_lars() {
  local lars_path='' word
  local -a items
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$lars_path/$word" in
      ${paths.join('|')}) lars_path="$lars_path/$word" ;;
    esac
  done
  case "$words[CURRENT-1]" in
${values.join('\n')}
  esac
  case "$lars_path" in
${cases.join('\n')}
  esac
  _describe 'lars' items || _files
}
compdef _lars lars
`;
}

function fishScript(tree: CommandNode): string {
  const lines = allCommands(tree).flatMap(node => {
    const inside =
      node === tree
        ? '__fish_use_subcommand'
        : node.path
            .split(' ')
            .map(name => `__fish_seen_subcommand_from ${name}`)
            .join('; and ');
    const others = node.commands.map(({ name }) => name);
    const noneYet =
      node === tree || others.length === 0 ? inside : `${inside}; and not __fish_seen_subcommand_from ${others.join(' ')}`;
    return [
      ...node.commands.map(
        ({ name, description }) => `complete -c lars -f -n '${noneYet}' -a ${name} -d '${quotedInSingle(description)}'`,
      ),
      ...node.choices.map(choice => `complete -c lars -f -n '${inside}' -a ${choice}`),
      ...node.options.map(option => `complete -c lars${node === tree ? '' : ` -n '${inside}'`} ${fishOption(option)}`),
    ];
  });
  return `# Completion of lars for fish: lars completion fish | source\n${lines.join('\n')}\ncomplete -c lars -l help -s h -d 'explain the command'\n`;
}

function fishOption({ long, takesValue, choices, description }: OptionNode): string {
  const value = takesValue ? ` -r${choices.length === 0 ? '' : ` -f -a '${choices.join(' ')}'`}` : '';
  return `-l ${long.replace(/^--/, '')}${value} -d '${quotedInSingle(description)}'`;
}

/** Inside '…', for all three shells; a colon would end a word of zsh. */
function quotedInSingle(text: string): string {
  return text.replaceAll("'", '’').replaceAll(':', ' -');
}
