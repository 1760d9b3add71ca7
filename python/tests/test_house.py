"""The house rules of this folder."""

from __future__ import annotations

import ast
import unittest
from pathlib import Path
from typing import Iterator, List

ROOT = Path(__file__).parents[1]
MAX_LINES = 350
# What tells the time, draws lots, waits or reaches out of the process.
IMPURE = {'asyncio', 'contextvars', 'os', 'random', 'select', 'selectors', 'socket', 'subprocess', 'threading', 'time'}
ALLOWED = IMPURE | {'collections', 'dataclasses', 'errno', 'heapq', 'itertools', 're', 'struct', 'types', 'typing', 'weakref', 'zlib'}


def imports_of(text: str) -> Iterator[str]:
    """Modules of Python by their names; relative ones with their dots."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition('.')[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield '.' * node.level + (node.module or '').partition('.')[0] if node.level else (node.module or '').partition('.')[0]


def is_pure(text: str) -> bool:
    return (ast.get_docstring(ast.parse(text)) or '').split('\n')[0].endswith('Pure.') or ', pure:' in text.split('\n')[0]


class House(unittest.TestCase):
    def sources(self) -> List[Path]:
        found = sorted((ROOT / 'src').rglob('*.py'))
        self.assertGreater(len(found), 20)
        return found

    def test_the_package_stands_on_python_alone(self) -> None:
        for path in self.sources():
            foreign = {name for name in imports_of(path.read_text('utf-8')) if not name.startswith('.')} - ALLOWED - {'__future__'}
            self.assertEqual(foreign, set(), path)

    def test_pure_files_use_no_environment(self) -> None:
        self.assertEqual(set(imports_of('import os.path\nfrom time import sleep\nfrom ..a import b')), {'os', 'time', '..a'})
        pure = {path.stem for path in self.sources() if is_pure(path.read_text('utf-8'))}
        for path in self.sources():
            text = path.read_text('utf-8')
            if path.parent.name == 'core':
                self.assertTrue(is_pure(text), f'{path} does not say that it is pure')
            if not is_pure(text):
                continue
            names = set(imports_of(text))
            self.assertEqual(names & IMPURE, set(), path)
            ours = {name.lstrip('.') for name in names if name.startswith('.')} - {''}
            self.assertEqual(ours - pure, set(), path)

    def test_no_file_is_long(self) -> None:
        for path in [*self.sources(), *sorted((ROOT / 'tests').glob('*.py')), ROOT / 'build.py']:
            self.assertLessEqual(len(path.read_text('utf-8').split('\n')) - 1, MAX_LINES, path)

    def test_each_file_says_what_it_is(self) -> None:
        for path in self.sources():
            self.assertIsNotNone(ast.get_docstring(ast.parse(path.read_text('utf-8'))), path)


if __name__ == '__main__':
    unittest.main()
