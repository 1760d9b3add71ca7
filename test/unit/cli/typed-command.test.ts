import { expect, test } from 'vitest';
import { typedCommand } from '../../../cli/src/arguments/typed-command.ts';

test.each([
  [['route', 'add', '1/1', '[::1]:80', '--zone', 'eu-1'], 'lars route add 1/1 [::1]:80 --zone eu-1'],
  [['route', 'add', '1/1', 'a:80', '-m', 'for the sale'], 'lars route add 1/1 a:80'],
  [['route', 'clear', '--reason', "it's old", '--yes'], 'lars route clear --yes'],
  [['route', 'clear', '--reason=old', '-mold', '--yes'], 'lars route clear --yes'],
  [['route', 'import', '-m'], 'lars route import'],
  [['route', 'import', "it's $HOME;.csv"], "lars route import 'it'\\''s $HOME;.csv'"],
  [['route', 'import', ''], "lars route import ''"],
  [['route', 'import', '--', '-m', 'x'], 'lars route import -- -m x'],
])('%j is kept as %s', (argv, kept) => {
  expect(typedCommand(argv)).toBe(kept);
});
