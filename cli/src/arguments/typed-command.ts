// pure
/** A command line as the history keeps it. */

const PLAIN_WORD = /^[\w@%+=:,./[\]-]+$/;

/**
 * 'lars route add 1/1 10.0.0.1:80', in such quotes that a shell reads it as it was typed. The reason has its own place in the history, so
 * -m is left out.
 */
export function typedCommand(argv: readonly string[]): string {
  return ['lars', ...withoutReason(argv).map(quoted)].join(' ');
}

function withoutReason(argv: readonly string[]): string[] {
  const words: string[] = [];
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? '';
    if (word === '--') return [...words, ...argv.slice(at)];
    if (word === '-m' || word === '--reason') at += 1;
    else if (!/^(-m|--reason=)/.test(word)) words.push(word);
  }
  return words;
}

function quoted(word: string): string {
  return PLAIN_WORD.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
