"""Builds the wheel with nothing but Python: `python3 build.py [FOLDER]`, or as the build backend of pip (PEP 517), which pyproject.toml names.

Two wheels of the same sources have the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Dict, List, Optional

ROOT = Path(__file__).resolve().parent
_PACKAGE = 'lars'
_TAG = 'py3-none-any'
# The earliest time that a zip file can have.
_TIME = (1980, 1, 1, 0, 0, 0)


def read_project() -> Dict[str, str]:
    """The texts of the table [project] of pyproject.toml. Python 3.9 brings no reader of TOML, and this needs none of its other forms."""
    text = (ROOT / 'pyproject.toml').read_text('utf-8')
    table = re.search(r'^\[project\]\n(.*?)(?=^\[|\Z)', text, re.MULTILINE | re.DOTALL)
    if table is None:
        raise SystemExit(f'{ROOT / "pyproject.toml"} has no table [project]')
    return dict(re.findall(r'^([a-z-]+) = "([^"\\]*)"$', table[1], re.MULTILINE))


def get_requires_for_build_wheel(config_settings: Optional[Dict[str, object]] = None) -> List[str]:
    return []


def get_requires_for_build_sdist(config_settings: Optional[Dict[str, object]] = None) -> List[str]:
    return []


def build_wheel(
    wheel_directory: str, config_settings: Optional[Dict[str, object]] = None, metadata_directory: Optional[str] = None
) -> str:
    """Writes the wheel into the folder and returns its name."""
    project = read_project()
    base = f'{_distribution(project)}-{project["version"]}'
    files = {path.relative_to(ROOT / 'src').as_posix(): path.read_bytes() for path in _sources()}
    files[f'{base}.dist-info/METADATA'] = _metadata(project)
    files[f'{base}.dist-info/WHEEL'] = f'Wheel-Version: 1.0\nGenerator: lars\nRoot-Is-Purelib: true\nTag: {_TAG}\n'.encode()
    record = f'{base}.dist-info/RECORD'
    rows = [f'{name},sha256={_digest(data)},{len(data)}\n' for name, data in files.items()]
    files[record] = (''.join(rows) + f'{record},,\n').encode()
    name = f'{base}-{_TAG}.whl'
    with zipfile.ZipFile(Path(wheel_directory) / name, 'w', zipfile.ZIP_DEFLATED) as wheel:
        for path, data in files.items():
            info = zipfile.ZipInfo(path, _TIME)
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            wheel.writestr(info, data)
    return name


def build_sdist(sdist_directory: str, config_settings: Optional[Dict[str, object]] = None) -> str:
    """Writes the archive of the sources into the folder and returns its name."""
    project = read_project()
    base = f'{_distribution(project)}-{project["version"]}'
    files = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in _sources()}
    for name in ('README.md', 'build.py', 'pyproject.toml'):
        files[name] = (ROOT / name).read_bytes()
    files['PKG-INFO'] = _metadata(project)
    with tarfile.open(Path(sdist_directory) / f'{base}.tar.gz', 'w:gz', format=tarfile.PAX_FORMAT) as archive:
        for path, data in files.items():
            info = tarfile.TarInfo(f'{base}/{path}')
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return f'{base}.tar.gz'


def _sources() -> List[Path]:
    found = [path for path in (ROOT / 'src' / _PACKAGE).rglob('*') if path.suffix == '.py' or path.name == 'py.typed']
    return sorted(found)


def _distribution(project: Dict[str, str]) -> str:
    return project['name'].replace('-', '_')


def _metadata(project: Dict[str, str]) -> bytes:
    fields = {
        'Metadata-Version': '2.1',
        'Name': project['name'],
        'Version': project['version'],
        'Summary': project['description'],
        'License': project['license'],
        'Requires-Python': project['requires-python'],
        'Description-Content-Type': 'text/markdown',
    }
    readme = (ROOT / 'README.md').read_text('utf-8')
    return (''.join(f'{name}: {value}\n' for name, value in fields.items()) + f'\n{readme}').encode()


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()


def main(arguments: List[str]) -> None:
    folder = Path(arguments[0] if arguments else ROOT / 'dist')
    folder.mkdir(parents=True, exist_ok=True)
    print(folder / build_wheel(str(folder)))


if __name__ == '__main__':
    main(sys.argv[1:])
