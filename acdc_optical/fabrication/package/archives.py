"""Zip archives with the same bytes for the same contents: fixed dates, fixed permissions, sorted names.

(The same zlib is taken for granted: another version may compress otherwise.)
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from acdc_optical.files import replacing

_FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # of the zip format
_UNIX = 3
_ORDINARY_FILE = 0o100644 << 16


@contextmanager
def entry(archive: zipfile.ZipFile, name: str, size: int) -> Iterator[IO[bytes]]:
    """Yield a binary file to write one entry of about ``size`` bytes to."""
    info = zipfile.ZipInfo(name, _FIRST_DAY)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = _UNIX
    info.external_attr = _ORDINARY_FILE
    info.file_size = size  # by which zipfile decides whether the entry needs long sizes
    with archive.open(info, "w") as file:
        yield file


def write_folder(path: str | Path, folder: str | Path) -> None:
    """Write a folder and all that is in it as a zip archive; names begin with the folder's own.

    Raises:
        FileNotFoundError: no such folder, or no file in it.
        ValueError: a link or another thing that is no ordinary file, or the archive lies in the folder.
        OSError: see :func:`~acdc_optical.files.replacing`.
    """
    folder = Path(folder).resolve()
    if Path(path).resolve().is_relative_to(folder):
        raise ValueError(f"{path}: an archive cannot lie in the folder that it holds; write it beside {folder}")
    found = [item for item in folder.rglob("*") if item.is_symlink() or not item.is_dir()]
    if not found:
        raise FileNotFoundError(f"{folder}: expected a folder with files; there are none")
    for item in found:
        if item.is_symlink() or not item.is_file():
            raise ValueError(f"{item}: expected ordinary files alone; replace the link or device by a copy")
    names = sorted((f"{folder.name}/{item.relative_to(folder).as_posix()}", item) for item in found)
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, item in names:
            with open(item, "rb") as source, entry(archive, name, item.stat().st_size) as target:
                shutil.copyfileobj(source, target)
