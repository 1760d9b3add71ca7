import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readCommit } from '@lars/runtime/commit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EXIT_CODE_MEANINGS } from '../../../cli/src/exit-code.ts';
import { manFile, manText } from '../../../scripts/man-file.ts';
import { runMain } from '../../support/memory-terminal.ts';

const root = path.join(import.meta.dirname, '../../..');

describe('lars help', () => {
  test.each([[['route', 'add']], [['bench', 'agent']], [['why']], [[]]])('%j is what --help says', async words => {
    const help = await runMain('help', ...words);
    expect(help).toEqual(await runMain(...words, '--help'));
    expect(await runMain(...words, '-h')).toEqual(help);
    expect(help).toMatchObject({ exitCode: 0, err: '' });
  });

  test('of a word that is no command names those that are', async () => {
    expect(await runMain('help', 'route', 'ad')).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining("no command 'ad'; there are list, add"),
    });
    expect(await runMain('help', 'why', 'not')).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining("no command 'not' below why"),
    });
  });

  test('has the exit codes, and so has the page', async () => {
    expect((await runMain('help', 'exit-codes')).out).toBe(
      EXIT_CODE_MEANINGS.map(([code, meaning]) => `${code}  ${meaning}\n`).join(''),
    );
    const page = readFileSync(path.join(root, 'docs/operations.md'), 'utf8');
    for (const [code, meaning] of EXIT_CODE_MEANINGS) expect(page).toContain(`| ${code} | ${meaning} |`);
  });
});

describe('completion', () => {
  /** What bash offers for the last word. */
  async function offered(...words: readonly string[]): Promise<string[]> {
    const { out } = await runMain('completion', 'bash');
    const line = words.map(word => `'${word}'`).join(' ');
    const script = `${out}\nCOMP_WORDS=(lars ${line}); COMP_CWORD=${words.length}; _lars; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return execFileSync('bash', ['-c', script], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .filter(word => word !== '');
  }

  test('of bash offers commands, those below a command, options and their values', async () => {
    expect(await offered('wh')).toEqual(['why']);
    expect(await offered('route', 're')).toEqual(['remove', 'restore']);
    expect(await offered('calls', '1/1', '--si')).toEqual(['--since']);
    expect(await offered('calls', '1/1', '--by', '')).toEqual(['host', 'minute', 'caller']);
    expect(await offered('--conf-dir', 'route', 'list', '--js')).toEqual(['--json']);
    expect(await offered('completion', '')).toEqual(expect.arrayContaining(['bash', 'zsh', 'fish']));
    expect(await offered('gethost', 'x')).toEqual([]);
  });

  test.each(['bash', 'zsh', 'fish'])(
    'of %s is right for the shell, where that is installed, and knows all commands',
    async shell => {
      const { exitCode, out } = await runMain('completion', shell);
      expect(exitCode).toBe(0);
      for (const word of ['gethost', 'restore', 'since', 'classic']) expect(out).toContain(word);
      const { error, status, stderr } = spawnSync(shell, ['-n'], { input: out, encoding: 'utf8' });
      if (error === undefined) expect([status, stderr]).toEqual([0, '']);
    },
  );

  test('of another shell is refused', async () => {
    expect(await runMain('completion', 'tcsh')).toMatchObject({ exitCode: 2, err: expect.stringContaining('bash, zsh, fish') });
  });
});

test('the man page is the one that is printed from the commands: npm run man', () => {
  const page = readFileSync(path.join(root, manFile), 'utf8');
  expect(page).toBe(manText());
  expect(page).toContain('\n.SS lars route add ');
  expect(page).toContain('\n.SH EXIT STATUS\n');
  // A text line that began with a dot would be taken for a macro.
  for (const line of page.split('\n').filter(one => one.startsWith('.')))
    expect(line).toMatch(/^\.(\\"|TH|SH|SS|TP|PP|B|nf|fi)( |$)/);
});

describe('the commit', () => {
  const HASH = '0123456789abcdef0123456789abcdef01234567';
  let clone = '';
  beforeEach(() => {
    clone = mkdtempSync(path.join(tmpdir(), 'lars-commit-'));
  });
  afterEach(() => rmSync(clone, { recursive: true, force: true }));
  const write = (name: string, text: string) => {
    mkdirSync(path.dirname(path.join(clone, name)), { recursive: true });
    writeFileSync(path.join(clone, name), text);
  };

  test.each<[string, Record<string, string>]>([
    ['of a branch', { '.git/HEAD': 'ref: refs/heads/main\n', '.git/refs/heads/main': `${HASH}\n` }],
    ['of a packed branch', { '.git/HEAD': 'ref: refs/heads/main\n', '.git/packed-refs': `# packed\n${HASH} refs/heads/main\n` }],
    ['that is checked out by itself', { '.git/HEAD': `${HASH}\n` }],
    [
      'of a further worktree',
      {
        '.git': 'gitdir: main/.git/worktrees/one\n',
        'main/.git/worktrees/one/HEAD': 'ref: refs/heads/b\n',
        'main/.git/worktrees/one/commondir': '../..\n',
        'main/.git/refs/heads/b': HASH,
      },
    ],
  ])('%s is known', (_, files) => {
    for (const [name, text] of Object.entries(files)) write(name, text);
    expect(readCommit(clone)).toBe('0123456');
  });

  test.each<[string, Record<string, string>]>([
    ['no clone', {}],
    ['a clone without a commit', { '.git/HEAD': 'ref: refs/heads/main\n' }],
    ['something else', { '.git/HEAD': 'nonsense' }],
  ])('of %s there is none', (_, files) => {
    for (const [name, text] of Object.entries(files)) write(name, text);
    expect(readCommit(clone)).toBeUndefined();
  });
});
